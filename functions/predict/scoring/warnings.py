"""Warnings attached to a prediction."""

from collections.abc import Mapping
from operator import itemgetter, le

from housing.schema import DOLLARS_PER_UNIT, FEATURE_NAMES, FEATURES, TARGET_CAP

FAR_KM = 25.0
"""A prediction farther from the nearest training row has a warning; in California's towns rows are
a few hundred metres apart."""

_VALUES = itemgetter(*FEATURE_NAMES)
_USUAL_MINIMA = [column.usual_minimum for column in FEATURES]
_USUAL_MAXIMA = [column.usual_maximum for column in FEATURES]
_USUAL = [
    f"{column.usual}, {column.usual_minimum:g} to {column.usual_maximum:g} ({column.unit})"
    for column in FEATURES
]
_CAP = round(TARGET_CAP, 2)


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
    if round(price, 2) >= _CAP:
        cap = f"${TARGET_CAP * DOLLARS_PER_UNIT:,.0f}"
        warnings.append(f"the census caps values at {cap}; the true price may be higher")
    if nearest_km is not None and nearest_km > FAR_KM:
        warnings.append(
            f"the nearest training row is {nearest_km:,.0f} km away; the price is a guess"
        )
    return warnings
