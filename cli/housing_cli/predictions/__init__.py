"""Predictions that were made: out of the function's log, into a database of one's own."""
