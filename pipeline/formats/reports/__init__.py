"""Reports of scanners, test runs and coverage tools: one file for each format, one line each in the catalog."""
