"""The programs of the stack: servers, and training jobs."""
