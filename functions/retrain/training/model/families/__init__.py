"""Families of models: of rows with a place, and of rows without."""

from housing.schema import GEOGRAPHY
from retrain.training.model.families.family import Family

__all__ = ["Family", "family_of_subject"]


def family_of_subject() -> Family:
    """Return the family of this process's subject."""
    # Constants of the geographic one are computed from the subject's places when it is imported.
    if GEOGRAPHY:
        from retrain.training.model.families.geographic import Geographic  # noqa: PLC0415

        return Geographic()
    from retrain.training.model.families.tabular import Tabular  # noqa: PLC0415

    return Tabular()
