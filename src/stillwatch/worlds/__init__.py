"""Worlds with known truth: who is in them, what they ask, how operators hide, and how it is written as logs."""
