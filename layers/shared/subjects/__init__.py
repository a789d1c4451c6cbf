"""The tables that this pipeline can serve, a folder each."""

DEFAULT = "california"
