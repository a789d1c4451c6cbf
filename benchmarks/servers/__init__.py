"""The contenders: each file is what its own documentation would have you write for this model."""
