"""Artifact bytes from a plan: lock, sticker, script, manifest, checksums."""
