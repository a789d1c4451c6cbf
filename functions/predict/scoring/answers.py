"""Response bodies: one row as a JSON document, many rows column by column.

``predict.http.schemas`` describes them; a test compares the two.
"""

import csv
import math
import re
from collections.abc import Sequence
from io import StringIO
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from housing.onnx_session import NEAREST_KM, OUTPUTS
from housing.schema import CAP, FEATURES
from predict.model.loading import ServedModel
from predict.model.predictor import PredictedColumns, Prediction
from predict.scoring.validation import Matrix, named_rows
from predict.scoring.warnings import FAR_KM, warnings_on

_DOLLARS_PER_UNIT = 100_000
DECIMALS = 6  # float32 carries seven digits
CSV_HEADER = (
    *("MedHouseVal", "lower", "upper"),
    *("price_usd", "lower_usd", "upper_usd"),
    "nearest_training_km",
)
"""The numbers of a row, in the order in which ``_columns`` and ``_numbers`` return them."""
_NEARLY_CAPPED = CAP.value - 0.01 if CAP else math.inf
_USUAL_MINIMUM = np.array([column.usual_minimum for column in FEATURES])
_USUAL_MAXIMUM = np.array([column.usual_maximum for column in FEATURES])
_KM_DECIMALS = 1


def _document(numbers: Sequence[Any], warnings: Sequence[str]) -> dict[str, Any]:
    """Name the numbers of a row, which are in the order of ``CSV_HEADER``."""
    price, lower, upper, price_usd, lower_usd, upper_usd, nearest_km = numbers
    return {
        "MedHouseVal": price,
        "price_usd": price_usd,
        "interval_90": {
            "lower": lower,
            "upper": upper,
            "lower_usd": lower_usd,
            "upper_usd": upper_usd,
        },
        "nearest_training_km": nearest_km,
        "warnings": warnings,
    }


_MARKED = orjson.dumps(_document([f"#{place}" for place in range(len(CSV_HEADER))], []))
_MARK = rb'"#(\d)"'
_ORDER = [int(place) for place in re.findall(_MARK, _MARKED)]
"""The columns in the order of the document."""
_LINE = re.sub(_MARK, b"%b", _MARKED)
"""The document of a row without warnings, a ``%b`` for each number."""


def one(features: dict[str, float], prediction: Prediction, served: ServedModel) -> bytes:
    """Write a ``schemas.PredictedPrice``."""
    warnings = warnings_on(features, prediction.price, prediction.nearest_km)
    document = _document(_numbers(prediction), warnings)
    document |= _of_model(served)
    return orjson.dumps(document)


def many(features: Matrix, predicted: PredictedColumns, served: ServedModel) -> bytes:
    """Write a ``schemas.BatchPrediction``: a template of all rows, filled once."""
    columns = _columns(predicted)
    cells = np.column_stack([columns[place] for place in _ORDER]).ravel()
    lines = [_LINE] * len(predicted.price)
    may_warn = np.flatnonzero(_may_warn(features, predicted))
    for row, named, prediction in zip(
        may_warn.tolist(), named_rows(features, may_warn), predicted.rows(may_warn), strict=True
    ):
        warnings = warnings_on(named, prediction.price, prediction.nearest_km)
        lines[row] = _LINE.replace(b"[]", orjson.dumps(warnings).replace(b"%", b"%%"))
    rows = b",".join(lines) % _texts(cells)
    return b'{"predictions":[%b],%b' % (rows, orjson.dumps(_of_model(served))[1:])


def _texts(cells: Matrix) -> tuple[bytes, ...]:
    """Write each number as JSON; NaN, an unknown distance, as null."""
    dumped = orjson.dumps(cells, option=orjson.OPT_SERIALIZE_NUMPY)
    return tuple(dumped[1:-1].split(b",")) if len(cells) else ()


def _numbers(prediction: Prediction) -> list[float | None]:
    price, lower, upper, nearest_km = prediction
    return [
        round(price, DECIMALS),
        round(lower, DECIMALS),
        round(upper, DECIMALS),
        round(price * _DOLLARS_PER_UNIT, 2),
        round(lower * _DOLLARS_PER_UNIT, 2),
        round(upper * _DOLLARS_PER_UNIT, 2),
        None if nearest_km is None else round(nearest_km, _KM_DECIMALS),
    ]


def _of_model(served: ServedModel) -> dict[str, Any]:
    return {
        "model_name": served.version.name,
        "model_version": served.version.version,
        "stale": served.stale,
    }


def as_csv(predicted: PredictedColumns) -> bytes:
    """Write a CSV under ``CSV_HEADER``; an unknown distance is an empty cell."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    *numbers, nearest = (column.tolist() for column in _columns(predicted))
    distances = nearest if predicted.nearest_km is not None else [None] * len(nearest)
    writer.writerows(zip(*numbers, distances, strict=True))
    return text.getvalue().encode()


def as_mlflow(predicted: PredictedColumns) -> bytes:
    """Write the response of MLflow's scoring server for the same model, digit for digit."""
    known = [column for column in predicted if column is not None]
    names = [*OUTPUTS, NEAREST_KM][: len(known)]
    # As for many rows: one template, filled once. float32 becomes the double of the same value.
    row = b"{%b}" % b",".join(b'"%b":%%b' % name.encode() for name in names)
    cells = np.column_stack(known).astype(np.float64).ravel()
    rows = b",".join([row] * len(known[0])) % _texts(cells)
    return b'{"predictions":[%b]}' % rows


def as_json_lines(predicted: PredictedColumns) -> bytes:
    """Write a JSON object for each row, as SageMaker's clients ask for."""
    known = [column.tolist() for column in predicted if column is not None]
    names = [*OUTPUTS, NEAREST_KM][: len(known)]
    rows = (dict(zip(names, row, strict=True)) for row in zip(*known, strict=True))
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def as_csv_lines(predicted: PredictedColumns) -> bytes:
    """Write price, lower, upper and distance of each row, as SageMaker does: without a header."""
    known = [column.tolist() for column in predicted if column is not None]
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(*known, strict=True))
    return text.getvalue().encode()


def one_as_mlflow(prediction: Prediction) -> bytes:
    """Write ``as_mlflow`` of one row."""
    known = zip((*OUTPUTS, NEAREST_KM), prediction, strict=True)
    row = {name: value for name, value in known if value is not None}
    return orjson.dumps({"predictions": [row]})


def _columns(predicted: PredictedColumns) -> list[Matrix]:
    """Round as for a single row: a float32 times 10^6 is exact in float64."""
    prices = [column.astype(np.float64) for column in predicted[:3]]
    units = [np.round(column, DECIMALS) for column in prices]
    dollars = [np.round(column * _DOLLARS_PER_UNIT, 2) for column in prices]
    nearest = predicted.nearest_km
    if nearest is None:
        return [*units, *dollars, np.full(len(prices[0]), np.nan)]
    distances = nearest.astype(np.float64)
    return [*units, *dollars, distances.round(_KM_DECIMALS)]


def _may_warn(features: Matrix, predicted: PredictedColumns) -> NDArray[np.bool_]:
    """Return a mask of all rows with warnings, and perhaps some without."""
    may_warn = ((features < _USUAL_MINIMUM) | (features > _USUAL_MAXIMUM)).any(axis=1)
    may_warn |= predicted.price > _NEARLY_CAPPED
    if predicted.nearest_km is not None:
        may_warn |= predicted.nearest_km > FAR_KM
    return may_warn
