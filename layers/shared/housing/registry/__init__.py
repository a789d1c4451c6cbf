"""The model registry, its aliases and their ledger."""
