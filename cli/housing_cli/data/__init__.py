"""Data for a first upload: where it comes from, and a generator for when it comes from nowhere."""
