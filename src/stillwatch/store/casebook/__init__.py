"""The casebook: actions, who approved them, appeals, reviews, grants, and the audit trail of it all: one database."""
