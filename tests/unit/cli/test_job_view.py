"""A job's facts in words."""

from fakes.jobs import job_status
from housing.jobs.findings import LiveFigures, ShadowFigures, Verdict
from housing.jobs.status import State
from housing_cli.job_view import jobs_table, live_text, shadow_text, summary_lines
from housing_cli.output import console

BETTER = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=9)


def test_the_error_on_new_rows_is_said_with_the_intervals_share() -> None:
    measured = LiveFigures(version="2", rows=1_200, rmse=0.4321, coverage=0.875)

    assert live_text(measured) == (
        "version 2 on 1,200 new rows: RMSE 0.432, 87.5% of the prices within its interval"
    )


def test_where_nothing_was_measured_the_reason_is_said() -> None:
    unmeasured = LiveFigures(version="2", rows=3, reason="too few rows")

    assert live_text(unmeasured) == "version 2 was not measured on them: too few rows"


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
