"""The nouns and the bytes: digests, canonical JSON, records, stores, the log. Knows nothing of what a release is for."""
