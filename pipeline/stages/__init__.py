"""Published stages, one file each; meanings are frozen by version."""
