"""Stillwatch finds who is distilling your model: campaigns of linked accounts, with evidence, from existing logs."""

__version__ = "0.1.0"
