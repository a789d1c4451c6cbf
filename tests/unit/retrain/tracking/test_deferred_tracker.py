"""A tracker that is made in the background is used as if it had been there."""

import threading
from typing import Any

import pytest

from fakes.registry import FakeModelRegistry
from fakes.run_tracker import FakeRunTracker
from retrain.training.tracking.deferred import DeferredRunTracker
from retrain.training.tracking.port import Description


def test_a_call_waits_until_the_tracker_is_made() -> None:
    tracker, is_waited_for = FakeRunTracker(FakeModelRegistry()), threading.Event()

    def made() -> FakeRunTracker:
        assert is_waited_for.wait(60)
        return tracker

    deferred = DeferredRunTracker(made)
    version: Any = type("Version", (), {"version": "7"})
    description = Description({"spatial_rmse": 0.6}, "# Card", {})
    threading.Timer(0.01, is_waited_for.set).start()

    deferred.describe(version, description)

    assert tracker.descriptions == {"7": description}


def test_it_is_made_once_and_not_before_it_is_prepared_or_used() -> None:
    made: list[FakeRunTracker] = []
    description: Any = Description({}, "# Card", {})
    version: Any = type("Version", (), {"version": "7"})

    def make() -> FakeRunTracker:
        made.append(FakeRunTracker(FakeModelRegistry()))
        return made[-1]

    deferred = DeferredRunTracker(make)
    assert made == []
    deferred.prepare()
    deferred.prepare()
    deferred.describe(version, description)

    assert [one.descriptions for one in made] == [{"7": description}]


def test_the_error_of_making_it_is_raised_by_each_call() -> None:
    def failing() -> FakeRunTracker:
        msg = "no mlflow"
        raise ImportError(msg)

    deferred = DeferredRunTracker(failing)
    nothing: Any = None

    for _ in range(2):
        with pytest.raises(ImportError, match="no mlflow"):
            deferred.register(nothing)
