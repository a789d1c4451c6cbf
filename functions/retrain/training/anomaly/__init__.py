"""Anomaly detection in new rows: clusters of the champion's misses, and copies of known rows."""
