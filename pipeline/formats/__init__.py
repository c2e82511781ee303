"""Foreign evidence formats, one file each, detected from content."""
