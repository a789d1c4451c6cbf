"""Fetch, read and check uploads."""
