"""The predict function: prices of block groups by the model that the registry calls production."""
