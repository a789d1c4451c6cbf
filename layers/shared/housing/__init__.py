"""Code shared by the functions, the training job and the command line."""
