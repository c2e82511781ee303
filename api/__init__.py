"""The doors: HTTP, CLI, settings, wiring. Takes no decisions."""
