"""The nouns and the bytes: digests, canonical JSON, records, stores, the log. Never knows what a release is for."""
