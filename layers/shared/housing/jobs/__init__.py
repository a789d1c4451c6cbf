"""Status documents of training jobs, and their results."""
