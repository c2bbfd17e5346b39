"""The folder on disk: sketched exchanges, small tables, quarantine, keys and runs."""
