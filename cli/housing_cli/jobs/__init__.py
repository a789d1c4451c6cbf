"""Uploads and their training jobs: send, follow, show."""
