"""How well the product finds what is hidden in worlds with known truth, beside other methods."""
