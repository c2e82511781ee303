"""Same question, same bytes: rerun, compare, bundles."""
