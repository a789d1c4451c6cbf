"""Runs the challenger beside the version that answered, after the answer is decided.

Nothing of it reaches the answer: what goes wrong is counted. Nothing runs in Lambda once a response
is out, so there a request waits for its comparison, never longer than the budget.
"""

import contextlib
import random
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from predict.background import Deadline, Workers
from predict.messages import Call
from predict.model.predictor import Predictor
from predict.scoring.service import Predicted
from predict.scoring.validation import Matrix
from predict.shadow.challenger import Challenger, ChallengerStore
from predict.telemetry.comparison import TIMED_OUT, Differences
from predict.telemetry.telemetry import Telemetry

_LOAD_SECONDS = 10.0
_LOGGED_ROWS = 10


class Shadow:
    """Compares a share of the requests, each within a budget."""

    def __init__(
        self,
        challengers: ChallengerStore,
        telemetry: Telemetry,
        *,
        share: float,
        budget_seconds: float,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Use a store of the challenger and a telemetry.

        Args:
            challengers: Hands out the challenger, if there is one.
            telemetry: Told of every comparison.
            share: Of the requests, from 0 to 1.
            budget_seconds: The longest that a comparison may take, its waiting included.
            draw: Draws a number of ``[0, 1)`` for each request.
        """
        self._challengers = challengers
        self._telemetry = telemetry
        self._share = share
        self._budget_seconds = budget_seconds
        self._draw = draw
        self._workers = Workers(most=1)

    def compare(self, call: Call, done: Predicted) -> None:
        """Compare one request, if it is drawn, and wait for that: for Lambda."""
        if self._draw() < self._share:
            self._compare(call, done)

    def compare_aside(self, call: Call, done: Predicted) -> None:
        """Have it compared by a thread, unless that is busy: a server's loop must not wait.

        The thread itself waits no longer than the budget, so that a hanging challenger is counted.
        """
        if self._draw() < self._share:
            with contextlib.suppress(Exception):  # no thread can be started
                self._workers.start(lambda: self._compare(call, done))

    def prepare(self) -> None:
        """Load the challenger now, if there is one: before a snapshot, when nobody waits."""
        self._challengers.load(_LOAD_SECONDS)

    def recheck(self) -> None:
        """Look the alias up anew at the next request that is drawn."""
        self._challengers.recheck()

    def _compare(self, call: Call, done: Predicted) -> None:
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
            found = self._found(challenger, done, deadline)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is not the request's
            found = type(exc).__name__
        if found is not None:
            with contextlib.suppress(Exception):
                self._telemetry.shadowed(call, done.served, version, done.total, found)

    def _found(
        self, challenger: Challenger, done: Predicted, deadline: Deadline
    ) -> Differences | str | None:
        """Return the differences or what went wrong; None where nothing was run."""

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
        found = running.result(deadline.remaining_seconds())
        return TIMED_OUT if found is None else found


def compare(predictor: Predictor, features: Matrix, answered: NDArray[np.float32]) -> Differences:
    """Price rows once more and compare.

    Args:
        predictor: The challenger.
        features: The rows, ``[n, 8]`` in schema order, at least one.
        answered: Their prices as they were answered, ``[n]``, in $100,000.

    Raises:
        ModelOutputError: The challenger fails, or answers no finite numbers.
    """
    started = time.perf_counter()
    found = predictor.predict_columns(features).price
    latency_ms = round((time.perf_counter() - started) * 1_000, 3)
    apart = np.abs(found.astype(np.float64) - answered)
    places = np.linspace(0, len(found) - 1, min(len(found), _LOGGED_ROWS)).astype(int)
    pairs = np.column_stack((answered, found))[places].tolist()
    return Differences(
        mean=float(apart.mean()),
        worst=float(apart.max()),
        latency_ms=latency_ms,
        prices=[(before, after) for before, after in pairs],
    )
