"""The gate: compare champion and challenger, and act on the verdict."""
