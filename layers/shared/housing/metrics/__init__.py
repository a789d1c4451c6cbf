"""Names and points of the metrics."""
