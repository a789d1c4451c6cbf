"""What the routes that predict do: a request in, its answer out, no framework between."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from predict.errors import TooLargeError
from predict.exchange import Answer, Call
from predict.model.predictor import PredictedColumns, Prediction
from predict.model.served_model import ServedModel, model_headers
from predict.scoring import answers
from predict.scoring.request_body import (
    CSV,
    JSON,
    MAX_BODY_BYTES,
    read_batch,
    read_block_group,
    read_invocation,
)
from predict.scoring.validation import Matrix, named_rows
from predict.telemetry.telemetry import Rows

_OK = HTTPStatus.OK.value


class Predicted(Protocol):
    """An answer, and what it was made of."""

    answer: Answer
    served: ServedModel

    @property
    def total(self) -> int:
        """How many rows there are."""
        ...

    def rows(self, count: int) -> Rows:
        """Draw so many of them, as telemetry logs them."""
        ...

    def matrix(self) -> Matrix:
        """Return the features, ``[n, 8]`` in schema order."""
        ...

    def prices(self) -> NDArray[np.float32]:
        """Return the prices, ``[n]``, in $100,000."""
        ...


class PredictedRow:
    """The one row of a request."""

    __slots__ = ("answer", "features", "prediction", "served")
    total = 1

    def __init__(
        self,
        answer: Answer,
        served: ServedModel,
        features: Mapping[str, float],
        prediction: Prediction,
    ) -> None:
        """Keep them."""
        self.answer = answer
        self.served = served
        self.features = features
        self.prediction = prediction

    def rows(self, _count: int) -> Rows:
        """See ``Predicted.rows``."""
        return [_logged(self.features, self.prediction)]

    def matrix(self) -> Matrix:
        """See ``Predicted.matrix``."""
        return np.array([list(self.features.values())])

    def prices(self) -> NDArray[np.float32]:
        """See ``Predicted.prices``."""
        return np.array([self.prediction.price], np.float32)


class PredictedRows:
    """The rows of a batch."""

    __slots__ = ("answer", "features", "predicted", "served", "total")

    def __init__(
        self, answer: Answer, served: ServedModel, features: Matrix, predicted: PredictedColumns
    ) -> None:
        """Keep them."""
        self.answer = answer
        self.served = served
        self.features = features
        self.predicted = predicted
        self.total = len(features)

    def rows(self, count: int) -> Rows:
        """See ``Predicted.rows``; they are evenly spread over the batch."""
        drawn = np.linspace(0, self.total - 1, count).astype(np.intp)
        told = zip(named_rows(self.features, drawn), self.predicted.rows(drawn), strict=True)
        return [
            {**_logged(named, prediction), "row": row + 1}
            for row, (named, prediction) in zip(drawn.tolist(), told, strict=True)
        ]

    def matrix(self) -> Matrix:
        """See ``Predicted.matrix``."""
        return self.features

    def prices(self) -> NDArray[np.float32]:
        """See ``Predicted.prices``."""
        return self.predicted.price


def predict(call: Call, served: ServedModel, _max_rows: int) -> PredictedRow:
    """Predict the median house value of one block group, with its 90 % interval."""
    features = read_block_group(call)
    prediction = served.predictor.predict_one(list(features.values()))
    body = answers.one(features, prediction, served)
    return PredictedRow(_answer(body, served, JSON), served, features, prediction)


def predict_batch(call: Call, served: ServedModel, max_rows: int) -> PredictedRows:
    """Predict many block groups: JSON in and out, or CSV in and out."""
    features, media_type = read_batch(call, max_rows)
    predicted = served.predictor.predict_columns(features)
    if media_type == CSV:
        body = answers.as_csv(predicted)
    else:
        body = answers.many(features, predicted, served)
    return PredictedRows(_answer(_sized(body), served, media_type), served, features, predicted)


def invocations(call: Call, served: ServedModel, max_rows: int) -> PredictedRows:
    """Predict as MLflow's scoring server does: its forms in, its answer out."""
    features = read_invocation(call, max_rows)
    predicted = served.predictor.predict_columns(features)
    body = _sized(answers.as_mlflow(predicted))
    return PredictedRows(_answer(body, served, JSON), served, features, predicted)


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
