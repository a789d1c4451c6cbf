"""Measures the service beside its peers; each number is a ratio within one run."""
