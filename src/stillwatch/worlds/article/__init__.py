"""A world of the size that was reported, made in minutes: for time, memory and bytes, not for how well we detect."""
