"""Alerts: one message for each event."""
