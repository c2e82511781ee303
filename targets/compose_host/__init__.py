"""A Compose project on one Docker engine."""
