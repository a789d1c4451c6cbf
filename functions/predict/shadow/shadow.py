"""Shadow predictions: the challenger prices a share of the requests beside production.

They never affect the response: errors are counted. Lambda runs nothing after a response, so there a
request waits for its comparison, up to the budget.
"""

import contextlib
import random
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from predict.background import Deadline, Workers
from predict.messages import Request
from predict.model.predictor import Predictor
from predict.scoring.service import Predicted
from predict.scoring.validation import Matrix
from predict.shadow.challenger import Challenger, ChallengerStore
from predict.telemetry.comparison import TIMED_OUT, Differences
from predict.telemetry.telemetry import Telemetry

_LOAD_SECONDS = 10.0
_LOGGED_ROWS = 10


class Shadow:
    """Compares a share of the requests with the challenger, each within a budget."""

    def __init__(
        self,
        challengers: ChallengerStore,
        telemetry: Telemetry,
        *,
        share: float,
        budget_seconds: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Combine the parts.

        Args:
            challengers: Hands out the challenger, if there is one.
            telemetry: Logs every comparison.
            share: Share of the requests, from 0 to 1.
            budget_seconds: Limit on a comparison, its waiting included.
            draw: Returns a random number of ``[0, 1)`` for each request.
        """
        self._challengers = challengers
        self._telemetry = telemetry
        self._share = share
        self._budget_seconds = budget_seconds
        self._draw = draw
        self._workers = Workers(most=1)

    def compare(self, request: Request, done: Predicted) -> None:
        """Compare one request, if it is sampled, and wait: for Lambda."""
        if self._draw() < self._share:
            self._compare(request, done)

    def compare_in_background(self, request: Request, done: Predicted) -> None:
        """Compare in a thread, unless it is busy: the event loop of a server must not wait.

        The thread itself waits up to the budget, so that a hanging challenger is counted.
        """
        if self._draw() < self._share:
            with contextlib.suppress(Exception):  # no thread can be started
                self._workers.start(lambda: self._compare(request, done))

    def prepare(self) -> None:
        """Load the challenger now, if there is one: before a snapshot."""
        self._challengers.load(_LOAD_SECONDS)

    def recheck(self) -> None:
        """Look the alias up again at the next sampled request."""
        self._challengers.recheck()

    def _compare(self, request: Request, done: Predicted) -> None:
        deadline = Deadline(self._budget_seconds)
        version = "unknown"
        try:
            challenger = self._challengers.current()
            if (
                challenger is None
                or challenger.served.version.identity == done.served.version.identity
            ):
                return
            version = challenger.name
            outcome = self._outcome(challenger, done, deadline)
        except Exception as exc:  # noqa: BLE001 - no error may reach the request
            outcome = type(exc).__name__
        if outcome is not None:
            with contextlib.suppress(Exception):
                self._telemetry.log_comparison(request, done.served, version, done.total, outcome)

    def _outcome(
        self, challenger: Challenger, done: Predicted, deadline: Deadline
    ) -> Differences | str | None:
        """Return the differences, or the name of an error; None if nothing was run."""

        def run(predictor: Predictor) -> Differences | str:
            started = time.perf_counter()
            try:
                return compare(predictor, done.matrix(), done.prices())
            except BaseException as exc:  # noqa: BLE001 - as above, and this thread is shadow's own
                return type(exc).__name__
            finally:
                challenger.took(time.perf_counter() - started, rows=done.total)

        running = challenger.start(
            run, rows=done.total, within_seconds=deadline.remaining_seconds()
        )
        if running is None:
            return None
        outcome = running.result(deadline.remaining_seconds())
        return TIMED_OUT if outcome is None else outcome


def compare(predictor: Predictor, features: Matrix, answered: NDArray[np.float32]) -> Differences:
    """Price rows with the challenger and compare.

    Args:
        predictor: The challenger.
        features: The rows, ``[n, 8]`` in schema order, at least one.
        answered: Their prices in the response, ``[n]``, in $100,000.

    Raises:
        ModelOutputError: The challenger fails, or returns a number that is not finite.
    """
    started = time.perf_counter()
    prices = predictor.predict_columns(features).value
    latency_ms = round((time.perf_counter() - started) * 1_000, 3)
    apart = np.abs(prices.astype(np.float64) - answered)
    places = np.linspace(0, len(prices) - 1, min(len(prices), _LOGGED_ROWS)).astype(int)
    pairs = np.column_stack((answered, prices))[places].tolist()
    return Differences(
        mean=float(apart.mean()),
        worst=float(apart.max()),
        latency_ms=latency_ms,
        prices=[(before, after) for before, after in pairs],
    )
