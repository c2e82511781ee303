"""Starter policy packs as YAML."""
