"""Shared by the command line, the deployment and the local stack; imports none of them."""
