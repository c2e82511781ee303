"""Version order per ecosystem, and package identity (purl). Pure; must not know feeds, documents or findings."""
