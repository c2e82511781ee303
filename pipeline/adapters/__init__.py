"""Keys, registries and other things outside."""
