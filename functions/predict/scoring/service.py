"""The short way for requests that predict: key, model, answer, one line; no framework on it.

FastAPI and its router take longer than the model itself. They serve everything else, and describe
these routes too.
"""

import logging
import time
from collections.abc import Callable, Mapping

from housing.api_keys import Scope
from predict import problems
from predict.access.auth import Authenticator
from predict.errors import PredictError
from predict.exchange import Answer, Call
from predict.model.served_model import ModelStore, ServedModel
from predict.scoring import predictions
from predict.scoring.predictions import Predicted
from predict.telemetry.telemetry import Telemetry

Route = Callable[[Call, ServedModel, int], Predicted]
ROUTES: Mapping[str, Route] = {
    "/predict": predictions.predict,
    "/predict/batch": predictions.predict_batch,
    "/invocations": predictions.invocations,
}
"""All of them are POST."""

_LOG = logging.getLogger(__name__)


class PredictionLane:
    """Answers the calls of ``ROUTES``, always."""

    def __init__(
        self,
        models: ModelStore,
        telemetry: Telemetry,
        authenticator: Authenticator,
        *,
        max_rows: int,
        shadow: Callable[[Call, Predicted], None] | None = None,
    ) -> None:
        """Use a model store, a telemetry and an authenticator.

        Args:
            models: Hands out the model to serve.
            telemetry: Told of every call.
            authenticator: Decides who may predict.
            max_rows: The most block groups that one call may hold.
            shadow: Told of every prediction once its answer is decided; it raises nothing.
        """
        self._models = models
        self._telemetry = telemetry
        self._authenticator = authenticator
        self._max_rows = max_rows
        self._shadow = shadow

    @staticmethod
    def takes(method: str, path: str) -> bool:
        """Whether a request goes this way."""
        return method == "POST" and path in ROUTES

    def may_wait(self) -> bool:
        """Whether the next call may wait for the registry or for the keys' store."""
        return self._models.is_due() or self._authenticator.may_wait()

    def answer(self, call: Call) -> Answer:
        """Answer a call that ``takes`` took; what goes wrong is an answer as well."""
        answer, tell = self.decided(call)
        tell()
        return answer

    def decided(self, call: Call) -> tuple[Answer, Callable[[], None]]:
        """Answer as ``answer`` does, but leave its line and the shadow to the caller.

        Returns:
            The answer, and what is to be called once, after the answer has gone or before.
        """
        started = time.perf_counter()
        try:
            self._authenticator.require(call.key, Scope.PREDICT)
            done = ROUTES[call.path](call, self._models.current(), self._max_rows)
        except PredictError as exc:
            return self._refused(
                call, problems.of_predict_error(call.path, exc), exc.reason, started
            )
        except Exception:  # noqa: BLE001 - the outermost handler of this way
            _LOG.exception("unexpected_error", extra={"path": call.path})
            return self._refused(call, problems.unexpected(call.path), "unexpected", started)
        latency_ms = _milliseconds(started)

        def tell() -> None:
            self._telemetry.predicted(call, done.served, latency_ms, done.total, done.rows)
            if self._shadow is not None:
                self._shadow(call, done)

        return done.answer, tell

    def _refused(
        self, call: Call, problem: Answer, reason: str, started: float
    ) -> tuple[Answer, Callable[[], None]]:
        latency_ms = _milliseconds(started)
        return problem, lambda: self._telemetry.refused(call, reason, problem.status, latency_ms)


def _milliseconds(started: float) -> float:
    return round((time.perf_counter() - started) * 1_000, 3)
