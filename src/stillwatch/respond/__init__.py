"""What may be done about a finding: policy as a file, the facts that its rules speak of, and whom a rule hits."""
