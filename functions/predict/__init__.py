"""The predict function: prices of block groups by the model with the alias ``production``."""
