"""Log lines, embedded metrics and the metrics page."""
