"""Release and observation to plan; plan to receipts. Never knows why it may deploy."""
