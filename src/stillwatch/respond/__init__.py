"""What is done about a finding: the ladder of actions, what customers are told, what a gateway is obliged to do."""
