"""Operators of distillation campaigns: what they ask, how they hide, whom they hide among."""
