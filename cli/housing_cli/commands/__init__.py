"""The commands of ``housing``; each imports its libraries when it runs, not with its module."""
