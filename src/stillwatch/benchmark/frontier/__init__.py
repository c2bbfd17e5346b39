"""The evasion frontier: what detection finds against what hiding costs the operator."""
