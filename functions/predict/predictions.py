"""What the routes that predict do: a request in, its answer out, no framework between."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np

from housing.schema import FEATURE_NAMES
from predict import answers
from predict.block_groups import Matrix
from predict.errors import TooLargeError
from predict.exchange import Answer, Call
from predict.predictor import PredictedColumns, Prediction
from predict.request_body import (
    CSV,
    JSON,
    MAX_BODY_BYTES,
    read_batch,
    read_block_group,
    read_invocation,
)
from predict.served_model import ServedModel, model_headers
from predict.telemetry import Rows

_OK = HTTPStatus.OK.value


class Predicted:
    """An answer, and what telemetry is told of it; ``rows`` draws as many as it logs."""

    __slots__ = ("answer", "rows", "served", "total")

    def __init__(
        self, answer: Answer, served: ServedModel, total: int, rows: Callable[[int], Rows]
    ) -> None:
        """Keep them."""
        self.answer = answer
        self.served = served
        self.total = total
        self.rows = rows


def predict(call: Call, served: ServedModel, _max_rows: int) -> Predicted:
    """Predict the median house value of one block group, with its 90 % interval."""
    features = read_block_group(call)
    prediction = served.predictor.predict_one(list(features.values()))
    body = answers.one(features, prediction, served)
    return Predicted(
        _answer(body, served, JSON), served, 1, lambda _: [_logged(features, prediction)]
    )


def predict_batch(call: Call, served: ServedModel, max_rows: int) -> Predicted:
    """Predict many block groups: JSON in and out, or CSV in and out."""
    features, media_type = read_batch(call, max_rows)
    predicted = served.predictor.predict_columns(features)
    if media_type == CSV:
        body = answers.as_csv(predicted)
    else:
        body = answers.many(features, predicted, served)
    return _many(features, predicted, served, _answer(_sized(body), served, media_type))


def invocations(call: Call, served: ServedModel, max_rows: int) -> Predicted:
    """Predict as MLflow's scoring server does: its forms in, its answer out."""
    features = read_invocation(call, max_rows)
    predicted = served.predictor.predict_columns(features)
    body = _sized(answers.as_mlflow(predicted))
    return _many(features, predicted, served, _answer(body, served, JSON))


def _many(
    features: Matrix, predicted: PredictedColumns, served: ServedModel, answer: Answer
) -> Predicted:
    return Predicted(
        answer, served, len(features), lambda count: _sample(features, predicted, count)
    )


def _sample(features: Matrix, predicted: PredictedColumns, count: int) -> Rows:
    """Return so many rows, evenly spread over the batch."""
    found = []
    for row in np.linspace(0, len(features) - 1, count).astype(int).tolist():
        named = dict(zip(FEATURE_NAMES, features[row].tolist(), strict=True))
        values = [column[row].item() for column in predicted if column is not None]
        found.append({**_logged(named, Prediction(*values)), "row": row + 1})
    return found


def _logged(features: Mapping[str, float], prediction: Prediction) -> dict[str, Any]:
    price, lower, upper, nearest_km = prediction
    return {
        "features": features,
        "price": price,
        "interval": (lower, upper),
        "nearest_training_km": nearest_km,
    }


def _sized(content: bytes) -> bytes:
    """Answer, unless Lambda could not carry it: there, quotes and line ends are escaped."""
    if (
        2 * len(content) > MAX_BODY_BYTES
        and len(content) + content.count(b'"') + content.count(b"\n") > MAX_BODY_BYTES
    ):
        msg = f"the answer would be over {MAX_BODY_BYTES} bytes; send fewer rows at once"
        raise TooLargeError(msg)
    return content


def _answer(body: bytes, served: ServedModel, media_type: str) -> Answer:
    return Answer(_OK, body, media_type, model_headers(served))
