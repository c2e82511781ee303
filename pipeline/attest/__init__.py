"""Statements, DSSE envelopes, signature verification: pure, holds no keys."""
