"""Question to verdict: gates, VEX consensus, unknowns, waivers. Never knows where facts came from."""
