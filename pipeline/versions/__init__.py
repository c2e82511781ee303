"""Version order per ecosystem and package URL identity."""
