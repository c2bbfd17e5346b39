"""The folder on disk: sketched exchanges, small tables, quarantine and runs; and the keys, which stand elsewhere."""
