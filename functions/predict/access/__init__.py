"""API keys: how they are stored and who may call what."""
