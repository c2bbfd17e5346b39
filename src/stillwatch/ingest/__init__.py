"""Sources in, canonical Arrow batches out; what breaks the contract goes to quarantine."""
