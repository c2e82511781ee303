"""Stages and operations: pure functions over digests, and the shells that perform them."""
