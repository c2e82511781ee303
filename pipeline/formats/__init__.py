"""Foreign formats: how documents are known by content, checked, and read into facts. Must not know stores or logs."""
