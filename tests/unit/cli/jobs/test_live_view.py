"""A job shown in a terminal."""

import io

from rich.console import Console

from fakes.jobs import job_status, stage_times
from housing.jobs.status import Stage, State
from housing_cli.jobs.follow import Followed
from housing_cli.jobs.view import show_job

FITTING = job_status(
    state=State.RUNNING,
    stage=Stage.FIT,
    message="tree 40 of 400",
    stages=stage_times({Stage.INGEST: 0.5, Stage.FIT: None}),
)
REJECTED = job_status(
    state=State.REJECTED, stage=Stage.INGEST, stages=stage_times({Stage.INGEST: None})
)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)


def said(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_running_stage_is_shown_with_its_message() -> None:
    console = terminal()

    last = show_job([Followed(FITTING)], console)

    assert last == FITTING
    assert "✓ ingest" in said(console)
    assert "fit  tree 40 of 400" in said(console)


def test_the_stage_that_rejected_the_file_is_crossed() -> None:
    console = terminal()

    show_job([Followed(REJECTED)], console)

    assert "✗ ingest" in said(console)


def test_outside_a_terminal_a_running_stage_is_no_line() -> None:
    console = Console(file=io.StringIO(), width=80)

    show_job([Followed(FITTING)], console)

    assert said(console).splitlines() == ["✓ ingest         0.5 s"]


def test_why_a_job_does_not_move_is_shown_in_place_of_its_message() -> None:
    console = terminal()
    updates = [
        Followed(None, "no job yet"),
        Followed(FITTING, "no sign of life"),
        Followed(REJECTED),
    ]

    assert show_job(updates, console) == REJECTED

    assert "no job yet" in said(console)
    assert "fit  no sign of life" in said(console)


def test_outside_a_terminal_it_is_a_line() -> None:
    console = Console(file=io.StringIO(), width=80)
    updates = [
        Followed(None, "no job yet"),
        Followed(FITTING),
        Followed(FITTING, "no sign of life"),
    ]

    show_job(updates, console)

    assert said(console).splitlines() == [
        "… no job yet",
        "✓ ingest         0.5 s",
        "… no sign of life",
    ]
