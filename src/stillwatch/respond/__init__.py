"""What may be done about a finding: policy, whom its rules hit, the ladder of actions, and what a gateway is told."""
