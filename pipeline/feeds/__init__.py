"""Advisory feeds as trees: building the next snapshot, reading KEV and EPSS, severities, differences. Pure."""
