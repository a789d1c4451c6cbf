"""Real servers as processes of the tests' own, on loopback and ports that are free."""
