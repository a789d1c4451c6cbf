"""Answers as bytes: one row by hand, many rows column by column.

They are what ``predict.schemas`` describes; a test holds the two against each other.
"""

import csv
from io import StringIO

import numpy as np
import orjson

from housing.onnx_session import NEAREST_KM, OUTPUTS
from housing.schema import DOLLARS_PER_UNIT, FEATURE_NAMES, FEATURES, TARGET_CAP
from predict.block_groups import Matrix
from predict.caveats import FAR_KM, caveats
from predict.predictor import PredictedColumns, Prediction
from predict.served_model import ServedModel

DECIMALS = 6  # float32 carries seven digits
CSV_HEADER = (
    *(
        "MedHouseVal",
        "lower",
        "upper",
        "price_usd",
        "lower_usd",
        "upper_usd",
        "nearest_training_km",
    ),
)
_NEARLY_CAPPED = TARGET_CAP - 0.01
_USUAL_MINIMUM = np.array([column.usual_minimum for column in FEATURES])
_USUAL_MAXIMUM = np.array([column.usual_maximum for column in FEATURES])
_KM_DECIMALS = 1
# Filled in column by column: making 1,000 dictionaries and writing them takes twice as long.
_ROW = (
    b'{"MedHouseVal":%b,"price_usd":%b,'
    b'"interval_90":{"lower":%b,"upper":%b,"lower_usd":%b,"upper_usd":%b},'
    b'"nearest_training_km":%b,"warnings":'
)
_NO_WARNINGS = _ROW + b"[]}"


def one(features: dict[str, float], prediction: Prediction, served: ServedModel) -> bytes:
    """Write what ``schemas.PredictedPrice`` describes."""
    price, lower, upper, nearest_km = prediction
    return orjson.dumps(
        {
            "MedHouseVal": round(price, DECIMALS),
            "price_usd": round(price * DOLLARS_PER_UNIT, 2),
            "interval_90": {
                "lower": round(lower, DECIMALS),
                "upper": round(upper, DECIMALS),
                "lower_usd": round(lower * DOLLARS_PER_UNIT, 2),
                "upper_usd": round(upper * DOLLARS_PER_UNIT, 2),
            },
            "nearest_training_km": None if nearest_km is None else round(nearest_km, _KM_DECIMALS),
            "warnings": caveats(features, price, nearest_km),
            "model_name": served.version.name,
            "model_version": served.version.version,
            "stale": served.stale,
        }
    )


def many(features: Matrix, predicted: PredictedColumns, served: ServedModel) -> bytes:
    """Write what ``schemas.BatchPrediction`` describes."""
    rows = len(features)
    warned = _warnings(features, predicted)
    of_model = orjson.dumps(
        {
            "model_name": served.version.name,
            "model_version": served.version.version,
            "stale": served.stale,
        }
    )
    if not rows:
        return b'{"predictions":[],%b' % of_model[1:]
    templates = [_NO_WARNINGS] * rows
    for row, warnings in warned.items():
        templates[row] = _ROW + orjson.dumps(warnings).replace(b"%", b"%%") + b"}"
    price, lower, upper, *dollars, nearest = _columns(predicted)
    price_usd, lower_usd, upper_usd = dollars
    in_order = (price, price_usd, lower, upper, lower_usd, upper_usd, nearest)
    cells = np.column_stack(in_order).ravel()  # NaN, where no distance is known, is written as null
    texts = orjson.dumps(cells, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    return b'{"predictions":[%b],%b' % (b",".join(templates) % tuple(texts), of_model[1:])


def as_csv(predicted: PredictedColumns) -> bytes:
    """Write a CSV with the header ``CSV_HEADER``; an unknown distance is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    *numbers, nearest = (column.tolist() for column in _columns(predicted))
    distances = nearest if predicted.nearest_km is not None else [None] * len(nearest)
    writer.writerows(zip(*numbers, distances, strict=True))
    return text.getvalue().encode()


def as_mlflow(predicted: PredictedColumns) -> bytes:
    """Write what MLflow's scoring server answers for the same model, digit for digit."""
    known = [column for column in predicted if column is not None]
    names = [*OUTPUTS, NEAREST_KM][: len(known)]
    # As for many rows: one template, filled once. float32 becomes the double of the same value.
    row = b"{%b}" % b",".join(b'"%b":%%b' % name.encode() for name in names)
    cells = np.column_stack(known).astype(np.float64).ravel()
    texts = orjson.dumps(cells, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")
    rows = b",".join([row] * len(known[0])) % (tuple(texts) if len(cells) else ())
    return b'{"predictions":[%b]}' % rows


def _columns(predicted: PredictedColumns) -> list[Matrix]:
    """Round as a single answer is rounded: a float32 times 10^6 is exact in float64."""
    prices = [column.astype(np.float64) for column in predicted[:3]]
    units = [np.round(column, DECIMALS) for column in prices]
    dollars = [np.round(column * DOLLARS_PER_UNIT, 2) for column in prices]
    nearest = predicted.nearest_km
    if nearest is None:
        return [*units, *dollars, np.full(len(prices[0]), np.nan)]
    distances = nearest.astype(np.float64)
    return [*units, *dollars, distances.round(_KM_DECIMALS)]


def _warnings(features: Matrix, predicted: PredictedColumns) -> dict[int, list[str]]:
    """Return the warnings of the rows that have any."""
    suspect = ((features < _USUAL_MINIMUM) | (features > _USUAL_MAXIMUM)).any(axis=1)
    suspect |= predicted.price > _NEARLY_CAPPED
    nearest = predicted.nearest_km
    if nearest is not None:
        suspect |= nearest > FAR_KM
    found = {}
    for row in np.flatnonzero(suspect).tolist():
        named = dict(zip(FEATURE_NAMES, features[row].tolist(), strict=True))
        distance = None if nearest is None else nearest[row].item()
        found[row] = caveats(named, predicted.price[row].item(), distance)
    return found
