"""Rows whose missing values have a value of their own, so that distances between rows exist."""

import numpy as np

from housing.schema import FEATURES
from retrain.training.dataset.rows import Rows
from retrain.training.model.families.columns import missing_code


def without_gaps(rows: Rows, known: Rows) -> Rows:
    """Return rows with a value for each missing one, below all known values of its column.

    Of a category it is the code of missing values.
    """
    features = rows.features
    optional = [place for place, column in enumerate(FEATURES) if column.optional]
    if not optional:
        return rows
    features = features.copy()
    for place in optional:
        features[np.isnan(features[:, place]), place] = _stand_in(place, known)
    return Rows(features, rows.prices)


def _stand_in(place: int, known: Rows) -> float:
    if FEATURES[place].kind == "category":
        return missing_code(FEATURES[place])
    values = known.features[:, place]
    values = values[~np.isnan(values)]
    if not len(values):
        return -1.0
    least, most = float(values.min()), float(values.max())
    return least - (most - least + 1.0)
