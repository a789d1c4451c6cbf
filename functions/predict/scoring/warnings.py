"""Warnings attached to a prediction."""

import math
from collections.abc import Mapping
from operator import le

from housing.schema import CAP, FEATURE_NAMES, FEATURES, GEOGRAPHY, SUBJECT
from housing.subject import Column

FAR_KM = GEOGRAPHY.far_km if GEOGRAPHY else math.inf
"""A prediction farther from the nearest training row has a warning."""


def _usual(column: Column) -> tuple[float, float, str]:
    """Return the least and the most usual value, and the sentence of another, with a ``{:g}``."""
    name = column.name.replace("{", "{{").replace("}", "}}")
    if column.kind == "category":
        return 0, column.other - 1, f"{name} is not a known category: treated as other"
    if column.kind == "boolean":
        return 0, 1, name
    usual = f"{column.usual}, {column.usual_minimum:g} to {column.usual_maximum:g}"
    unit = f" ({column.unit})" if column.unit else ""
    after = f"{usual}{unit}".replace("{", "{{").replace("}", "}}")
    return column.usual_minimum, column.usual_maximum, f"{name} {{:g}} is outside {after}"


USUAL_MINIMA, USUAL_MAXIMA, _SENTENCES = zip(*map(_usual, FEATURES), strict=True)
_CAP = round(CAP.value, 2) if CAP else math.inf


def warnings_on(
    features: Mapping[str, float], price: float, nearest_km: float | None = None
) -> list[str]:
    """Return a sentence for each feature outside its usual values, a capped price, a remote place.

    Args:
        features: A canonical value for each feature.
        price: The prediction, in the unit of the target.
        nearest_km: Distance to the nearest training row, if the model has the output.
    """
    values = [*map(features.__getitem__, FEATURE_NAMES)]
    warnings: list[str] = []
    if not (all(map(le, USUAL_MINIMA, values)) and all(map(le, values, USUAL_MAXIMA))):
        warnings = [
            sentence.format(value)
            for value, minimum, maximum, sentence in zip(
                values, USUAL_MINIMA, USUAL_MAXIMA, _SENTENCES, strict=True
            )
            if value < minimum or value > maximum  # not where it is missing, NaN
        ]
    if CAP and round(price, 2) >= _CAP:
        warnings.append(CAP.warning)
    if nearest_km is not None and nearest_km > FAR_KM:
        away = f"{nearest_km:,.0f} km away"
        warnings.append(f"the nearest training row is {away}; the {SUBJECT.output} is a guess")
    return warnings
