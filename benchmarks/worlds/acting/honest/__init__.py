"""The honest: everybody who is not an operator, with those who look like one."""
