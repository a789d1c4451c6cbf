"""Anomalies among new rows: misses of the champion that lie together, and copies of known rows."""
