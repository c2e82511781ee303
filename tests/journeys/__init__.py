"""Whole ways through the product, over real parts only."""
