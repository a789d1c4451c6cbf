"""A request waits for a call in the background no longer than it wants to."""

import threading

import pytest

from predict.background import BackgroundCall, Deadline


def test_what_the_call_returns_comes_back() -> None:
    assert BackgroundCall(lambda: 7).result(10) == 7


def test_what_the_call_raises_is_raised_even_a_time_out() -> None:
    def fail() -> int:
        msg = "its own"
        raise TimeoutError(msg)

    with pytest.raises(TimeoutError, match="its own"):
        BackgroundCall(fail).result(10)


def test_a_call_that_takes_too_long_gives_nothing_yet() -> None:
    go_on = threading.Event()
    call = BackgroundCall(lambda: go_on.wait(10))

    assert call.result(0.01) is None
    go_on.set()
    assert call.result(10) is True


def test_a_deadline_that_has_passed_leaves_no_time() -> None:
    assert Deadline(-1).remaining_seconds() == 0
    assert 9 < Deadline(10).remaining_seconds() <= 10
