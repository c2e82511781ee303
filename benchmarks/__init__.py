"""Benchmarks: one script per area; `make bench` prints the table."""
