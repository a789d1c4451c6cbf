"""Predictions of a whole file by a version's graph."""
