"""Stores, logs and indexes that touch the world."""
