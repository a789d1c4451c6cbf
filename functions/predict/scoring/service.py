"""The scoring service: key, model, answer, one log line; no framework on the way.

FastAPI and its router take longer than the model itself. They serve all other routes, and describe
these too.
"""

import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
from numpy.typing import NDArray

from housing.api_keys import Scope
from housing.schema import ANSWER, GEOGRAPHY, SUBJECT
from predict import problems
from predict.access.auth import Authenticator
from predict.errors import PredictError, TooLargeError
from predict.messages import Request, Response
from predict.model.loading import ServedModel
from predict.model.predictor import PredictedColumns, Prediction
from predict.model.store import ModelStore
from predict.scoring import answers, csv_rows, mlflow_protocol, open_inference, validation
from predict.scoring.columns import ARE_NUMBERS, shown
from predict.scoring.request_body import (
    CSV,
    JSON,
    JSON_LINES,
    MAX_BODY_BYTES,
    MAX_ROW_BYTES,
    accepted,
    has_header,
    media_type,
    sized,
)
from predict.scoring.validation import Matrix, named_rows
from predict.telemetry.telemetry import Rows, Telemetry

_OK = HTTPStatus.OK.value
_FIRST = np.array([0])
_LOG = logging.getLogger(__name__)


class PredictedRow:
    """The response to a request of one row, with the row and its prediction."""

    __slots__ = ("features", "prediction", "response", "served")
    total = 1

    def __init__(
        self,
        response: Response,
        served: ServedModel,
        features: Mapping[str, float],
        prediction: Prediction,
    ) -> None:
        self.response = response
        self.served = served
        self.features = features
        self.prediction = prediction

    def rows(self, _count: int) -> Rows:
        """Return the one row for logging."""
        return [_logged(self.features, self.prediction)]

    def matrix(self) -> Matrix:
        """Return the features, ``[n, features]`` in schema order."""
        return np.array([list(self.features.values())])

    def prices(self) -> NDArray[np.float32]:
        """Return the predictions, ``[n]``, in the target's unit."""
        return np.array([self.prediction.value], np.float32)


class PredictedRows:
    """The response to a batch, with its rows and predictions."""

    __slots__ = ("features", "predicted", "response", "served", "total")

    def __init__(
        self, response: Response, served: ServedModel, features: Matrix, predicted: PredictedColumns
    ) -> None:
        self.response = response
        self.served = served
        self.features = features
        self.predicted = predicted
        self.total = len(features)

    def rows(self, count: int) -> Rows:
        """Sample ``count`` rows for logging, evenly over the batch."""
        drawn = np.linspace(0, self.total - 1, count).astype(np.intp)
        named, predictions = named_rows(self.features, drawn), self.predicted.rows(drawn)
        return [
            {**_logged(features, prediction), "row": row + 1}
            for row, features, prediction in zip(drawn.tolist(), named, predictions, strict=True)
        ]

    def matrix(self) -> Matrix:
        """Return the features, ``[n, features]`` in schema order."""
        return self.features

    def prices(self) -> NDArray[np.float32]:
        """Return the predictions, ``[n]``, in the target's unit."""
        return self.predicted.value


Predicted = PredictedRow | PredictedRows


def predict(request: Request, served: ServedModel, _max_rows: int) -> PredictedRow:
    """Predict one row, with its 90 % interval or as a probability."""
    media_type(request, JSON)
    features = validation.one_from_json(sized(request.body, MAX_ROW_BYTES))
    prediction = served.predictor.predict_one(list(features.values()))
    body = answers.one(features, prediction, served)
    return PredictedRow(_response(body, served, JSON), served, features, prediction)


def predict_batch(request: Request, served: ServedModel, max_rows: int) -> PredictedRows:
    """Predict many rows: JSON in and out, or CSV in and out."""
    sent_as = media_type(request, JSON, CSV)
    body = sized(request.body)
    if sent_as == CSV:
        rows = csv_rows.read(body, max_rows, strict=True, has_header=has_header(request))
        features = validation.from_rows(rows, place=csv_rows.PLACE)
        predicted = served.predictor.predict_columns(features)
        content = answers.as_csv(predicted)
    else:
        features = validation.from_json(body, max_rows)
        predicted = served.predictor.predict_columns(features)
        content = answers.many(features, predicted, served)
    return PredictedRows(_response(_sized(content), served, sent_as), served, features, predicted)


def invocations(request: Request, served: ServedModel, max_rows: int) -> Predicted:
    """Predict as MLflow's scoring server does: its forms in, its answer out.

    The answer is a CSV or JSON lines where ``Accept`` wants one, as SageMaker's clients do.
    """
    sent_as = media_type(request, JSON, CSV)
    body = sized(request.body)
    if sent_as == CSV:
        features = mlflow_protocol.from_csv(body, max_rows, has_header=has_header(request))
    else:
        features = mlflow_protocol.from_json(body, max_rows)
    answered_as = accepted(request.accept, JSON, CSV, JSON_LINES)
    if len(features) == 1 and answered_as == JSON:
        return _one_invocation(features, served)
    predicted = served.predictor.predict_columns(features)
    content = _sized(_INVOCATION_ANSWERS[answered_as](predicted))
    return PredictedRows(_response(content, served, answered_as), served, features, predicted)


_INVOCATION_ANSWERS: Mapping[str, Callable[[PredictedColumns], bytes]] = {
    JSON: answers.as_mlflow,
    CSV: answers.as_csv_lines,
    JSON_LINES: answers.as_json_lines,
}


def infer(request: Request, served: ServedModel, max_rows: int) -> PredictedRows:
    """Predict in the Open Inference Protocol, which KServe, MLServer and Triton speak."""
    open_inference.check_model(request.path, served)
    if request.content_type or request.content_encoding:  # Triton's client names no type
        media_type(request, JSON)
    inference = open_inference.read(sized(request.body), max_rows)
    predicted = served.predictor.predict_columns(inference.features)
    content = _sized(open_inference.answer(inference, predicted, served))
    return PredictedRows(_response(content, served, JSON), served, inference.features, predicted)


def _one_invocation(features: Matrix, served: ServedModel) -> PredictedRow:
    """Predict one row, in two thirds of the time of a batch of one."""
    [named] = named_rows(features, _FIRST)
    prediction = served.predictor.predict_one(list(named.values()))
    response = _response(answers.one_as_mlflow(prediction), served, JSON)
    return PredictedRow(response, served, named, prediction)


Route = Callable[[Request, ServedModel, int], Predicted]
ROUTES: Mapping[str, Route] = {
    "/predict": predict,
    "/predict/batch": predict_batch,
    "/invocations": invocations,
}
"""All of them are POST; ``infer`` has the model's name in its path."""


class ScoringService:
    """Answers the requests of ``ROUTES``, whatever happens."""

    def __init__(
        self,
        models: ModelStore,
        telemetry: Telemetry,
        authenticator: Authenticator,
        *,
        max_rows: int,
        shadow: Callable[[Request, Predicted], None] | None = None,
    ) -> None:
        """Combine the parts.

        Args:
            models: Hands out the model to serve.
            telemetry: Logs every request.
            authenticator: Decides who may predict.
            max_rows: The most rows that one request may hold.
            shadow: Called with every prediction once its response is final; it raises nothing.
        """
        self._models = models
        self._telemetry = telemetry
        self._authenticator = authenticator
        self._max_rows = max_rows
        self._shadow = shadow

    @staticmethod
    def takes(method: str, path: str) -> bool:
        """Whether a request is one of this service's routes."""
        return method == "POST" and (path in ROUTES or open_inference.is_inference(path))

    def may_wait(self) -> bool:
        """Whether the next request may wait for the registry or for the keys' store."""
        return self._models.is_due() or self._authenticator.may_wait()

    def respond(self, request: Request) -> Response:
        """Answer a request that ``takes`` accepts; an error is a response as well."""
        response, log = self.respond_unlogged(request)
        log()
        return response

    def respond_unlogged(self, request: Request) -> tuple[Response, Callable[[], None]]:
        """Answer as ``respond`` does, but leave the log line and the shadow to the caller.

        Returns:
            The response, and a function to be called once, before or after it is sent.
        """
        started = time.perf_counter()
        try:
            self._authenticator.require(request.key, Scope.PREDICT)
            route = ROUTES.get(request.path, infer)
            done = route(request, self._models.current(), self._max_rows)
        except PredictError as exc:
            return self._refused(
                request, problems.of_predict_error(request.path, exc), exc.reason, started
            )
        except Exception:  # noqa: BLE001 - the outermost handler of these routes
            _LOG.exception("unexpected_error", extra={"path": request.path})
            return self._refused(request, problems.unexpected(request.path), "unexpected", started)
        latency_ms = _milliseconds(started)

        def log() -> None:
            self._telemetry.log_prediction(request, done.served, latency_ms, done.total, done.rows)
            if self._shadow is not None:
                self._shadow(request, done)

        return done.response, log

    def _refused(
        self, request: Request, problem: Response, reason: str, started: float
    ) -> tuple[Response, Callable[[], None]]:
        latency_ms = _milliseconds(started)
        return problem, lambda: self._telemetry.log_refusal(
            request, reason, problem.status, latency_ms
        )


def model_headers(served: ServedModel) -> dict[str, str]:
    """Return the headers of every response of a model."""
    if served.stale:
        return {"X-Model-Version": served.version.version, "X-Model-Stale": "true"}
    return {"X-Model-Version": served.version.version}


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1_000, 3)


def _logged(features: Mapping[str, float], prediction: Prediction) -> dict[str, Any]:
    price, lower, upper, nearest_km = prediction
    given = features if ARE_NUMBERS else shown(features)
    logged: dict[str, Any] = {"features": given, ANSWER: price}
    if SUBJECT.task == "regression":
        logged["interval"] = (lower, upper)
    return {**logged, "nearest_training_km": nearest_km} if GEOGRAPHY else logged


def _sized(content: bytes) -> bytes:
    """Return content that Lambda can carry, where quotes and line ends are escaped.

    Raises:
        TooLargeError: It is over the limit.
    """
    if (
        2 * len(content) > MAX_BODY_BYTES
        and len(content) + content.count(b'"') + content.count(b"\n") > MAX_BODY_BYTES
    ):
        msg = f"the answer would be over {MAX_BODY_BYTES} bytes; send fewer rows at once"
        raise TooLargeError(msg)
    return content


def _response(body: bytes, served: ServedModel, media_type: str) -> Response:
    return Response(_OK, body, media_type, model_headers(served))
