"""Answers to many rows at once, built column by column."""

import csv
from io import StringIO

import numpy as np
import pydantic_core

from housing.onnx_session import OUTPUTS
from housing.schema import DOLLARS_PER_UNIT, FEATURE_NAMES, FEATURES, TARGET_CAP
from predict.block_groups import Matrix
from predict.caveats import caveats
from predict.predictor import PredictedColumns
from predict.schemas import DECIMALS
from predict.served_model import ServedModel

CSV_HEADER = ("MedHouseVal", "lower", "upper", "price_usd", "lower_usd", "upper_usd")
_NEARLY_CAPPED = TARGET_CAP - 0.01
_USUAL_MINIMUM = np.array([column.usual_minimum for column in FEATURES])
_USUAL_MAXIMUM = np.array([column.usual_maximum for column in FEATURES])


def as_json(features: Matrix, predicted: PredictedColumns, served: ServedModel) -> bytes:
    """Write what ``schemas.BatchPrediction`` describes."""
    rows = zip(*_columns(predicted), _warnings(features, predicted), strict=True)
    predictions = [
        {
            "MedHouseVal": price,
            "price_usd": price_usd,
            "interval_90": {
                "lower": lower,
                "upper": upper,
                "lower_usd": lower_usd,
                "upper_usd": upper_usd,
            },
            "warnings": warnings,
        }
        for price, lower, upper, price_usd, lower_usd, upper_usd, warnings in rows
    ]
    return pydantic_core.to_json(
        {
            "predictions": predictions,
            "model_name": served.version.name,
            "model_version": served.version.version,
            "stale": served.stale,
        }
    )


def as_csv(predicted: PredictedColumns) -> bytes:
    """Write a CSV with the header ``CSV_HEADER``."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_HEADER)
    writer.writerows(zip(*_columns(predicted), strict=True))
    return text.getvalue().encode()


def as_mlflow(predicted: PredictedColumns) -> bytes:
    """Write what MLflow's scoring server answers for the same model, digit for digit."""
    rows = zip(*(column.tolist() for column in predicted), strict=True)
    predictions = [dict(zip(OUTPUTS, row, strict=True)) for row in rows]
    return pydantic_core.to_json({"predictions": predictions})


def _columns(predicted: PredictedColumns) -> list[list[float]]:
    """Round as a single answer is rounded: a float32 times 10^6 is exact in float64."""
    doubles = [column.astype(np.float64) for column in predicted]
    units = [np.round(column, DECIMALS).tolist() for column in doubles]
    dollars = [np.round(column * DOLLARS_PER_UNIT, 2).tolist() for column in doubles]
    return [*units, *dollars]


def _warnings(features: Matrix, predicted: PredictedColumns) -> list[list[str]]:
    """Write warnings only for the rows that may have any."""
    outside = (features < _USUAL_MINIMUM) | (features > _USUAL_MAXIMUM)
    prices = predicted.price.astype(np.float64)
    suspects = np.flatnonzero(outside.any(axis=1) | (prices > _NEARLY_CAPPED))
    warnings: list[list[str]] = [[] for _ in range(len(features))]
    for row in suspects.tolist():
        named = dict(zip(FEATURE_NAMES, features[row].tolist(), strict=True))
        warnings[row] = caveats(named, float(prices[row]))
    return warnings
