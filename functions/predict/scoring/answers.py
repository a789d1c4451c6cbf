"""Response bodies: one row as a JSON document, many rows column by column.

``predict.http.schemas`` describes them; a test compares the two.
"""

import csv
import math
import re
from collections.abc import Sequence
from io import StringIO
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from housing.schema import CAP, GEOGRAPHY, SCALED, SUBJECT, TARGET
from predict.model.loading import ServedModel
from predict.model.predictor import PredictedColumns, Prediction
from predict.scoring.validation import Matrix, named_rows
from predict.scoring.warnings import FAR_KM, USUAL_MAXIMA, USUAL_MINIMA, warnings_on

DECIMALS = 6  # float32 carries seven digits
NEAREST = "nearest_training_km"
_IS_LABEL = SUBJECT.task == "classification"
_LIMITS = ("lower", "upper")
_SCALED_LIMITS = tuple(f"{limit}_{SCALED.suffix}" for limit in _LIMITS) if SCALED else ()
_SCALED_NAMES = (SCALED.name, *_SCALED_LIMITS) if SCALED else ()
CSV_HEADER = (
    ("probability", TARGET.name)
    if _IS_LABEL
    else (TARGET.name, *_LIMITS, *_SCALED_NAMES, *((NEAREST,) if GEOGRAPHY else ()))
)
"""The values of a row, in the order in which ``_columns`` and ``_numbers`` return them."""
_NEARLY_CAPPED = CAP.value - 0.01 if CAP else math.inf
_USUAL_MINIMUM, _USUAL_MAXIMUM = np.array(USUAL_MINIMA), np.array(USUAL_MAXIMA)
_KM_DECIMALS = 1


def _document(values: Sequence[Any], warnings: Sequence[str]) -> dict[str, Any]:
    """Name the values of a row, which are in the order of ``CSV_HEADER``."""
    named = dict(zip(CSV_HEADER, values, strict=True))
    if _IS_LABEL:
        return {**named, "warnings": warnings}
    document = {TARGET.name: named[TARGET.name]}
    if SCALED:
        document[SCALED.name] = named[SCALED.name]
    document["interval_90"] = {limit: named[limit] for limit in (*_LIMITS, *_SCALED_LIMITS)}
    if GEOGRAPHY:
        document[NEAREST] = named[NEAREST]
    return {**document, "warnings": warnings}


_MARKED = orjson.dumps(_document([f"#{place}" for place in range(len(CSV_HEADER))], []))
_MARK = rb'"#(\d)"'
_ORDER = [int(place) for place in re.findall(_MARK, _MARKED)]
"""The columns in the order of the document."""
_LINE = re.sub(_MARK, b"%b", re.sub(b"%", b"%%", _MARKED))
"""The document of a row without warnings, a ``%b`` for each value."""


def one(features: dict[str, float], prediction: Prediction, served: ServedModel) -> bytes:
    """Write a ``schemas.Predicted``."""
    warnings = warnings_on(features, prediction.value, prediction.nearest_km)
    document = _document(_numbers(prediction), warnings)
    document |= _of_model(served)
    return orjson.dumps(document)


def many(features: Matrix, predicted: PredictedColumns, served: ServedModel) -> bytes:
    """Write a ``schemas.BatchPrediction``: a template of all rows, filled once."""
    columns = _columns(predicted)
    cells = _cells([columns[place] for place in _ORDER])
    lines = [_LINE] * len(predicted.value)
    may_warn = np.flatnonzero(_may_warn(features, predicted))
    for row, named, prediction in zip(
        may_warn.tolist(), named_rows(features, may_warn), predicted.rows(may_warn), strict=True
    ):
        warnings = warnings_on(named, prediction.value, prediction.nearest_km)
        lines[row] = _LINE.replace(b"[]", orjson.dumps(warnings).replace(b"%", b"%%"))
    rows = b",".join(lines) % cells
    return b'{"predictions":[%b],%b' % (rows, orjson.dumps(_of_model(served))[1:])


def _cells(columns: Sequence[NDArray[Any]]) -> tuple[bytes, ...]:
    """Write the values of all rows, row by row."""
    if not _IS_LABEL:
        return _texts(np.column_stack(columns).ravel())
    return tuple(chain.from_iterable(zip(*map(_texts, columns), strict=True)))


def _texts(cells: NDArray[Any]) -> tuple[bytes, ...]:
    """Write each value as JSON; NaN, an unknown distance, as null."""
    dumped = orjson.dumps(cells, option=orjson.OPT_SERIALIZE_NUMPY)
    return tuple(dumped[1:-1].split(b",")) if len(cells) else ()


def _numbers(prediction: Prediction) -> list[float | None]:
    price, lower, upper, nearest_km = prediction
    if _IS_LABEL:
        return [round(price, DECIMALS), price >= SUBJECT.threshold]
    numbers: list[float | None] = [
        round(price, DECIMALS),
        round(lower, DECIMALS),
        round(upper, DECIMALS),
    ]
    if SCALED:
        factor = SCALED.factor
        numbers += [round(price * factor, 2), round(lower * factor, 2), round(upper * factor, 2)]
    if GEOGRAPHY:
        numbers.append(None if nearest_km is None else round(nearest_km, _KM_DECIMALS))
    return numbers


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
    columns: list[list[Any]] = [column.tolist() for column in _columns(predicted)]
    if GEOGRAPHY and predicted.nearest_km is None:
        columns[-1] = [None] * len(predicted.value)
    if _IS_LABEL:
        columns[-1] = ["true" if label else "false" for label in columns[-1]]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue().encode()


def as_mlflow(predicted: PredictedColumns) -> bytes:
    """Write the response of MLflow's scoring server for the same model, digit for digit."""
    names, known = zip(*predicted.named().items(), strict=True)
    # As for many rows: one template, filled once. float32 becomes the double of the same value.
    row = b"{%b}" % b",".join(b'"%b":%%b' % name.encode() for name in names)
    cells = np.column_stack(known).astype(np.float64).ravel()
    rows = b",".join([row] * len(known[0])) % _texts(cells)
    return b'{"predictions":[%b]}' % rows


def as_json_lines(predicted: PredictedColumns) -> bytes:
    """Write a JSON object for each row, as SageMaker's clients ask for."""
    names, known = zip(*predicted.named().items(), strict=True)
    columns = [column.tolist() for column in known]
    rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)


def as_csv_lines(predicted: PredictedColumns) -> bytes:
    """Write the outputs of each row, as SageMaker does: without a header."""
    known = [column.tolist() for column in predicted.named().values()]
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(*known, strict=True))
    return text.getvalue().encode()


def one_as_mlflow(prediction: Prediction) -> bytes:
    """Write ``as_mlflow`` of one row."""
    return orjson.dumps({"predictions": [prediction.named()]})


def _columns(predicted: PredictedColumns) -> list[NDArray[Any]]:
    """Round as for a single row: a float32 times 10^6 is exact in float64."""
    prices = [column.astype(np.float64) for column in predicted[:3]]
    if _IS_LABEL:
        return [np.round(prices[0], DECIMALS), prices[0] >= SUBJECT.threshold]
    columns = [np.round(column, DECIMALS) for column in prices]
    if SCALED:
        columns += [np.round(column * SCALED.factor, 2) for column in prices]
    if GEOGRAPHY and predicted.nearest_km is None:
        columns.append(np.full(len(prices[0]), np.nan))
    elif GEOGRAPHY and predicted.nearest_km is not None:
        columns.append(predicted.nearest_km.astype(np.float64).round(_KM_DECIMALS))
    return columns


def _may_warn(features: Matrix, predicted: PredictedColumns) -> NDArray[np.bool_]:
    """Return a mask of all rows with warnings, and perhaps some without."""
    may_warn = ((features < _USUAL_MINIMUM) | (features > _USUAL_MAXIMUM)).any(axis=1)
    may_warn |= predicted.value > _NEARLY_CAPPED
    if predicted.nearest_km is not None:
        may_warn |= predicted.nearest_km > FAR_KM
    return may_warn
