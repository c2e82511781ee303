"""The stella command, one file per noun."""
