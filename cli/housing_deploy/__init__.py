"""Deploying a stage, and removing it: ``make deploy`` and ``make destroy``."""
