"""Rival methods, one a file, as their papers say, on the very tables that the product's own detector reads."""
