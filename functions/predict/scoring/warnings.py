"""Warnings attached to a prediction."""

import math
from collections.abc import Mapping
from operator import itemgetter, le

from housing.schema import CAP, FEATURE_NAMES, FEATURES, GEOGRAPHY

FAR_KM = GEOGRAPHY.far_km if GEOGRAPHY else math.inf
"""A prediction farther from the nearest training row has a warning."""

_VALUES = itemgetter(*FEATURE_NAMES)
_USUAL_MINIMA = [column.usual_minimum for column in FEATURES]
_USUAL_MAXIMA = [column.usual_maximum for column in FEATURES]
_USUAL = [
    f"{column.usual}, {column.usual_minimum:g} to {column.usual_maximum:g} ({column.unit})"
    for column in FEATURES
]
_CAP = round(CAP.value, 2) if CAP else math.inf


def warnings_on(
    features: Mapping[str, float], price: float, nearest_km: float | None = None
) -> list[str]:
    """Return a sentence for each feature outside its usual range, a capped price, a remote place.

    Args:
        features: A value for each feature.
        price: The predicted price in $100,000.
        nearest_km: Distance to the nearest training row, if the model has the output.
    """
    values = _VALUES(features)
    warnings: list[str] = []
    if not (all(map(le, _USUAL_MINIMA, values)) and all(map(le, values, _USUAL_MAXIMA))):
        warnings = [
            f"{name} {value:g} is outside {usual}"
            for name, value, minimum, maximum, usual in zip(
                FEATURE_NAMES, values, _USUAL_MINIMA, _USUAL_MAXIMA, _USUAL, strict=True
            )
            if not minimum <= value <= maximum
        ]
    if CAP and round(price, 2) >= _CAP:
        warnings.append(CAP.warning)
    if nearest_km is not None and nearest_km > FAR_KM:
        warnings.append(
            f"the nearest training row is {nearest_km:,.0f} km away; the price is a guess"
        )
    return warnings
