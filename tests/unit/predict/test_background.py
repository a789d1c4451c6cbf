"""A request waits for a call in the background no longer than it wants to."""

import threading
from collections.abc import Callable
from typing import TypeVar

import pytest

from predict.background import BackgroundCall, Deadline, Workers

T = TypeVar("T")


def started(function: Callable[[], T]) -> BackgroundCall[T]:
    call = Workers().start(function)
    assert call is not None
    return call


def test_the_result_of_the_call_is_returned() -> None:
    assert started(lambda: 7).result(10) == 7


def test_an_exception_of_the_call_is_raised_even_a_time_out() -> None:
    def fail() -> int:
        msg = "its own"
        raise TimeoutError(msg)

    with pytest.raises(TimeoutError, match="its own"):
        started(fail).result(10)


def test_a_call_that_takes_too_long_gives_nothing_yet() -> None:
    go_on = threading.Event()
    call = started(lambda: go_on.wait(10))

    assert call.result(0.01) is None
    go_on.set()
    assert call.result(10) is True


def test_a_deadline_that_has_passed_leaves_no_time() -> None:
    assert Deadline(-1).remaining_seconds() == 0
    assert 9 < Deadline(10).remaining_seconds() <= 10


def test_calls_one_after_the_other_are_made_by_one_thread() -> None:
    workers = Workers(most=1)
    threads = set()
    for _ in range(200):
        call = workers.start(threading.get_ident)
        assert call is not None  # whoever has the answer finds the worker idle
        threads.add(call.result(10))

    assert len(threads) == 1


def test_hanging_workers_are_limited_and_reused_when_they_return() -> None:
    workers, go_on = Workers(most=2), threading.Event()
    stuck = [workers.start(lambda: go_on.wait(10)) for _ in range(2)]

    assert workers.start(lambda: 7) is None
    go_on.set()
    assert [call.result(10) for call in stuck if call] == [True, True]
    assert workers.start(lambda: 7) is not None
