"""Honest populations, one file each: whom it imitates, and where its words and rates come from."""
