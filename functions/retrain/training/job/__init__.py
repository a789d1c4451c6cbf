"""One training job, from its upload to its end."""
