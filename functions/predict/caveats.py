"""What a client should know before relying on a price."""

from collections.abc import Mapping

from housing.schema import DOLLARS_PER_UNIT, FEATURES, TARGET_CAP


def caveats(features: Mapping[str, float], price: float) -> list[str]:
    """Return a sentence for each feature outside its usual range, and one for a capped price.

    Args:
        features: A value for each feature.
        price: The predicted price in $100,000.
    """
    unusual = [
        f"{column.name} {features[column.name]:g} is outside the usual range "
        f"{column.usual_minimum:g} to {column.usual_maximum:g} ({column.unit})"
        for column in FEATURES
        if not column.usual_minimum <= features[column.name] <= column.usual_maximum
    ]
    if round(price, 2) < round(TARGET_CAP, 2):
        return unusual
    cap = f"${TARGET_CAP * DOLLARS_PER_UNIT:,.0f}"
    return [*unusual, f"the census caps values at {cap}; the true price may be higher"]
