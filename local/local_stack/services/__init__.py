"""The stack's programs: servers and training jobs."""
