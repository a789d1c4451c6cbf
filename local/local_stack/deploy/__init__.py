"""Deploying the template to the local endpoint."""
