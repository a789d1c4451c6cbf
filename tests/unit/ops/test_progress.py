"""Steps say that they are at work, on a terminal or not."""

import io

import pytest
from rich.console import Console

from housing_ops import progress
from housing_ops.progress import Progress


def test_without_a_terminal_a_long_step_gives_signs_of_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "SILENCE_SECONDS", 0.001)
    written = io.StringIO()

    with Progress(Console(file=written, width=100)).step("stopping aws"):
        while written.getvalue().count("… stopping aws (") < 3:
            pass

    assert written.getvalue().splitlines()[-1].startswith("  ✓ stopping aws")


def test_a_short_step_is_one_line() -> None:
    written = io.StringIO()

    with Progress(Console(file=written, width=100)).step("stopping aws"):
        pass

    assert len(written.getvalue().splitlines()) == 1
