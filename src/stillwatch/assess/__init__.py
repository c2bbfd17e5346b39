"""Three questions about a group, what else could explain it, and what part each account plays in the finding."""
