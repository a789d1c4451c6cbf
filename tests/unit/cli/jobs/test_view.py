"""A job's facts in words."""

from fakes.jobs import MOMENT, job_status
from housing.jobs.results import Held, HeldPlace, LiveFigures, ShadowFigures, Verdict
from housing.jobs.status import State
from housing_cli.jobs.view import held_text, jobs_table, live_text, shadow_text, summary_lines
from housing_cli.output import console

BETTER = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=9)


def test_the_error_on_new_rows_is_said_with_the_intervals_share() -> None:
    measured = LiveFigures(version="2", rows=1_200, rmse=0.4321, coverage=0.875)

    assert live_text(measured) == (
        "version 2 on 1,200 new rows: RMSE 0.432, 87.5% of the prices within its interval"
    )


def test_where_nothing_was_measured_the_reason_is_said() -> None:
    unmeasured = LiveFigures(version="2", rows=3, reason="too few rows")

    assert live_text(unmeasured) == "version 2 was not measured on the new rows: too few rows"


def test_a_challenger_that_priced_nothing_is_no_distance_from_production() -> None:
    late = ShadowFigures(version="3", days=7, requests=40, errors=1, timed_out=39)

    assert shadow_text(late) == ("version 3 on 40 requests in 7 days: 1 errors, 39 over time")


def test_the_data_set_is_shown_with_its_size_where_that_is_known() -> None:
    known = job_status(dataset_id="d1", dataset_rows=20_640)
    unknown = job_status(dataset_id="d1")

    assert "data set    d1, 20,640 rows" in [str(line) for line in summary_lines(known)]
    assert "data set    d1" in [str(line) for line in summary_lines(unknown)]


def test_the_table_says_which_job_promoted_its_version() -> None:
    jobs = [
        job_status("job-1", state=State.SUCCEEDED, verdict=BETTER, promoted=True),
        job_status("job-2", state=State.SUCCEEDED, verdict=BETTER, promoted=False),
        job_status("job-3", state=State.RUNNING),
    ]
    out = console()

    with out.capture() as captured:
        out.print(jobs_table(jobs))

    lines = captured.get().splitlines()[1:]
    assert ["promoted" in line for line in lines] == [True, True, False]
    assert ["not promoted" in line for line in lines] == [False, True, False]


def test_a_held_job_shows_why_and_a_table_of_the_places() -> None:
    places = [
        HeldPlace(
            latitude=34.05,
            longitude=-118.24,
            radius_km=1.23,
            rows=48,
            of_rows=50,
            side="below",
            production_price=2.31,
            upload_price=0.15,
            jobs=["7f3c", "0a1b"],
        ),
        HeldPlace(rows=9, of_rows=9, side="above", production_price=1, upload_price=2.5),
    ]
    job = job_status(held=Held(kind="data", reason="prices lie below", places=places))

    [shown] = [str(line) for line in summary_lines(job) if str(line).startswith("held")]

    lines = [line.split("  ") for line in shown.splitlines()]
    assert [[cell.strip() for cell in line if cell.strip()] for line in lines] == [
        ["held", "prices lie below"],
        ["place", "rows", "side", "their price", "production's", "jobs"],
        [
            "34.05, -118.24, within 1.2 km",
            "48 of 50",
            "below",
            "$15,000",
            "$231,000",
            "7f3c, 0a1b",
        ],
        ["rows alike", "9 of 9", "above", "$250,000", "$100,000"],
    ]
    starts = {line.index("$") for line in shown.splitlines() if "$" in line}
    assert starts == {shown.splitlines()[1].index("their price")}


def test_a_hold_by_a_stop_says_since_when_and_by_whom() -> None:
    stop = Held(kind="stop", reason="automatic promotion is stopped", since=MOMENT, who="ops")

    assert str(held_text(stop)) == (
        f"automatic promotion is stopped (since {MOMENT.astimezone():%Y-%m-%d %H:%M}, by ops)"
    )


def test_the_table_of_jobs_says_held_and_why() -> None:
    held = Held(kind="data", reason="prices contradict production")
    jobs = [
        job_status(state=State.SUCCEEDED, verdict=BETTER, promoted=False, held=held),
        job_status(state=State.SUCCEEDED, verdict=BETTER, promoted=True, held=held),
    ]
    out = console()

    with out.capture() as captured:
        out.print(jobs_table(jobs))

    first, second = captured.get().splitlines()[1:]
    assert "held" in first
    assert "prices contradict production" in first
    assert "promoted" in second
