"""Every record kind, frozen once published; a new field is a new kind beside the old."""
