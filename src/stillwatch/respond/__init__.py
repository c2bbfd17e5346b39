"""What may be done about a finding, and what a gateway is told."""
