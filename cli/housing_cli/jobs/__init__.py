"""Uploads and the training jobs that they start."""
