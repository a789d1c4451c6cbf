"""Data files: describe one, generate a sample, fetch the first data."""

DEFAULT_ROWS = 20_640
"""Rows of a generated sample: as many as the real data set has."""
