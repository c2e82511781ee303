"""What people and machines ask for: each captures, runs stages, and appends once."""
