"""The data set: rows, parts, snapshot and split."""
