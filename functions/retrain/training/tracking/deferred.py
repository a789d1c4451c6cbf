"""A run tracker that is made in the background: MLflow takes a second to import."""

import threading
from collections.abc import Callable

from typing_extensions import override

from housing.registry.port import ModelVersion
from retrain.training.tracking.port import Candidate, Description, RunTracker


class DeferredRunTracker(RunTracker):
    """Passes each call to another tracker, once that is made.

    An error of making it is raised by each call.
    """

    def __init__(self, make: Callable[[], RunTracker]) -> None:
        """Keep the function; it is called once."""
        self._make = make
        self._tracker: RunTracker | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    @override
    def prepare(self) -> None:
        """Begin to make the tracker, in a thread that the program's end does not wait for."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tracker", daemon=True)
            self._thread.start()

    @override
    def register(self, candidate: Candidate) -> ModelVersion:
        return self._made().register(candidate)

    @override
    def describe(self, version: ModelVersion, description: Description) -> None:
        self._made().describe(version, description)

    def _run(self) -> None:
        try:
            self._tracker = self._make()
        except Exception as exc:  # noqa: BLE001 - raised where the tracker is used
            self._error = exc

    def _made(self) -> RunTracker:
        self.prepare()
        if self._thread:
            self._thread.join()
        if self._tracker is None:
            raise self._error or RuntimeError
        return self._tracker
