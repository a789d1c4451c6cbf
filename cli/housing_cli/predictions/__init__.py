"""Predictions: those of a file, and those of the function's log, exported to SQLite."""
