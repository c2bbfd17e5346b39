"""Worlds with known truth: who is in them, what they say, and how well the product finds what is hidden in them."""
