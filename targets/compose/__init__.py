"""Reading the author's Compose project as Compose reads it; pure, from captured files only."""
