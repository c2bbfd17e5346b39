"""Migrations of the casebook, which `Database.open` runs."""
