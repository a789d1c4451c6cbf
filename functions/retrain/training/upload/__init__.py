"""Reading and checking an upload."""
