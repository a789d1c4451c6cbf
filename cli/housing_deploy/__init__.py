"""Deploy or remove a stage: ``make deploy`` and ``make destroy``."""
