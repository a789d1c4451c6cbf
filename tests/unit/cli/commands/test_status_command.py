"""``housing status``."""

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from fakes.command_line import CommandLine
from fakes.jobs import MOMENT, FakeTime, job_status, stage_times
from housing.jobs.results import ColumnDrift, Drift, ShadowFigures, Verdict
from housing.jobs.status import JobStore, Stage, State
from housing.s3.layout import job_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.mark.usefixtures("jobs")
def test_with_no_jobs_it_says_how_to_start_one(housing: CommandLine) -> None:
    result = housing("status")

    assert result.exit_code == 0
    assert "no jobs yet: start one with `housing upload FILE.csv`" in result.stdout


def test_the_newest_job_comes_first(housing: CommandLine, jobs: JobStore) -> None:
    for number in (1, 3, 2):
        created = MOMENT + timedelta(hours=number)
        jobs.create(job_status(f"job-{number}", created_at=created))

    result = housing("status", "--json")

    assert [job["job_id"] for job in json.loads(result.stdout)] == ["job-3", "job-2", "job-1"]


def test_a_row_says_file_state_stage_version_and_reason(
    housing: CommandLine, jobs: JobStore
) -> None:
    jobs.create(
        job_status(state=State.FAILED, stage=Stage.FIT, model_version="4", reason="out of [memory]")
    )

    line = housing("status").stdout.splitlines()[1]

    assert line.split()[2:] == ["job-1", "more.csv", "failed", "fit", "4", "out", "of", "[memory]"]


def test_one_job_is_shown_with_its_stages(housing: CommandLine, jobs: JobStore) -> None:
    stages = stage_times({Stage.INGEST: 1.25, Stage.FIT: None})
    jobs.create(job_status(state=State.RUNNING, stage=Stage.FIT, stages=stages, message="row 5"))

    lines = [line.split() for line in housing("status", "job-1").stdout.splitlines()]

    assert ["✓", "ingest", "1.2", "s"] in lines
    assert ["…", "fit"] in lines
    assert ["message", "row", "5"] in lines


def test_the_stage_in_which_a_job_failed_is_crossed(housing: CommandLine, jobs: JobStore) -> None:
    stages = stage_times({Stage.INGEST: None})
    jobs.create(job_status(state=State.FAILED, stages=stages, reason="no disk", next_step="clean"))

    lines = [line.split() for line in housing("status", "job-1").stdout.splitlines()]

    assert ["✗", "ingest"] in lines
    assert ["reason", "no", "disk"] in lines
    assert ["next", "clean"] in lines


def column_drift(name: str, *, drifted: bool) -> ColumnDrift:
    return ColumnDrift(
        name=name, psi=0.4, ks=0.2, p_value=0, mean_before=1, mean_after=2, drifted=drifted
    )


def test_drift_is_shown_in_a_line_for_each_column(housing: CommandLine, jobs: JobStore) -> None:
    columns = [column_drift("MedInc", drifted=True), column_drift("HouseAge", drifted=False)]
    warnings = ["MedInc drifts: PSI 0.40, KS 0.20; mean 1 before, 2 in the new rows"]
    drift = Drift(rows=1_200, reference_rows=20_640, columns=columns, warnings=warnings)
    jobs.create(job_status(state=State.SUCCEEDED, drift=drift))

    lines = housing("status", "job-1").stdout.splitlines()

    at = lines.index("drift       1 of 2 columns; 1,200 new rows against 20,640 before")
    assert lines[at + 1] == f"            {warnings[0]}"
    assert not [line for line in lines if "HouseAge" in line]


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"reason": "no row is new"}, "drift       not measured: no row is new"),
        (
            {"columns": [column_drift("MedInc", drifted=False)]},
            "drift       none of 1 columns; 60 new rows against 900 before",
        ),
    ],
)
def test_no_drift_is_said_too(
    housing: CommandLine, jobs: JobStore, facts: dict[str, Any], line: str
) -> None:
    drift = Drift(rows=60, reference_rows=900, **facts)
    jobs.create(job_status(state=State.SUCCEEDED, drift=drift))

    assert line in housing("status", "job-1").stdout.splitlines()


def test_one_job_as_json_is_its_document(housing: CommandLine, jobs: JobStore) -> None:
    job = job_status(state=State.RUNNING)
    jobs.create(job)

    result = housing("status", "job-1", "--json")

    assert json.loads(result.stdout) == job.model_dump(mode="json")


@pytest.mark.usefixtures("jobs")
def test_an_unknown_job_is_refused_in_both_forms(housing: CommandLine) -> None:
    result = housing("status", "job-9", "--json")

    assert result.exit_code == 1
    assert "no job job-9" in json.loads(result.stdout)["error"]
    assert "`housing status` lists the jobs" in result.stderr


def test_an_object_store_that_is_down_is_one_line_with_what_to_do(
    housing: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.invalid:4566")
    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", _refuse)

    result = housing("status")

    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "cannot reach AWS" in result.stderr
    assert "make status" in result.stderr


def _refuse(*_: object) -> None:
    raise EndpointConnectionError(endpoint_url="http://storage.invalid:4566")


def test_the_challengers_shadow_is_a_line_of_the_job(housing: CommandLine, jobs: JobStore) -> None:
    shadow = ShadowFigures(
        version="5",
        days=7,
        requests=1_234,
        errors=0,
        timed_out=3,
        mean_difference=0.0123,
        worst_difference=0.4,
    )
    verdict = Verdict(
        promote=True, reason="better", challenger_rmse=0.4, holdout_rows=9, shadow=shadow
    )
    jobs.create(job_status(state=State.SUCCEEDED, verdict=verdict))

    lines = housing("status", "job-1").stdout.splitlines()
    written = json.loads(housing("status", "job-1", "--json").stdout)

    (line,) = [line for line in lines if line.startswith("shadow")]
    assert line.split(maxsplit=1)[1] == (
        "version 5 on 1,234 requests in 7 days: 0.012 from production's prices on average, "
        "0.400 at worst; 0 errors, 3 over time"
    )
    assert written["verdict"]["shadow"] == shadow.model_dump()


def test_a_job_without_a_shadow_says_nothing_of_it(housing: CommandLine, jobs: JobStore) -> None:
    verdict = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=9)
    jobs.create(job_status(state=State.SUCCEEDED, verdict=verdict))

    assert "shadow" not in housing("status", "job-1").stdout


def wait(passing: FakeTime, *, minutes: float) -> str:
    """Move the command's clock so far behind now, and return the time of day a sweep is due by."""
    now = datetime.now(UTC)
    passing.now = 1_000 + (now - MOMENT).total_seconds() + 60 * minutes
    return f"{(now + timedelta(minutes=8)).astimezone():%H:%M}"


@pytest.fixture
def lost(s3: "S3Client") -> str:
    """Put an upload whose event never comes; return the id of its job."""
    answer = s3.put_object(Bucket="housing-test", Key="new_data/lost.csv", Body=b"x")
    etag = answer["ETag"].strip('"')
    return job_id(bucket="housing-test", key="new_data/lost.csv", version=etag)


@pytest.mark.parametrize(
    "expected",
    [
        (1, "its event is under way"),
        (3, "the sweep starts its job by about"),
        (14, "two sweeps did not start its job: check that the schedule runs (make logs)"),
    ],
)
def test_an_upload_without_a_job_is_shown_as_waiting_before_the_jobs(
    housing: CommandLine,
    jobs: JobStore,
    lost: str,
    passing: FakeTime,
    expected: tuple[float, str],
) -> None:
    minutes, note = expected
    jobs.create(job_status(state=State.SUCCEEDED))
    wait(passing, minutes=minutes)

    lines = housing("status").stdout.splitlines()
    [document, job] = json.loads(housing("status", "--json").stdout)

    assert lines[1].split()[2:5] == [lost, "lost.csv", "waiting"]
    assert note in lines[1]
    assert lines[2].split()[2] == "job-1"
    assert (document["job_id"], document["state"]) == (lost, "waiting")
    assert document["message"].startswith(note)
    assert job["job_id"] == "job-1"


def test_one_that_is_asked_for_is_shown_with_what_comes_next(
    housing: CommandLine, lost: str, passing: FakeTime
) -> None:
    by = wait(passing, minutes=3)

    shown, document = (housing("status", lost, *form) for form in ([], ["--json"]))

    lines = [" ".join(line.split()) for line in shown.stdout.splitlines()]
    assert lines[0] == f"job {lost}"
    assert "file new_data/lost.csv" in lines
    assert "state waiting" in lines
    assert f"next the sweep starts its job by about {by}" in lines
    assert json.loads(document.stdout)["upload_key"] == "new_data/lost.csv"


@pytest.mark.usefixtures("lost")
def test_a_job_that_is_neither_there_nor_to_come_is_an_error(housing: CommandLine) -> None:
    result = housing("status", "0123")

    assert result.exit_code == 1
    assert "no job 0123" in result.stderr


def test_an_upload_with_a_job_or_older_than_the_window_is_not_shown(
    housing: CommandLine, jobs: JobStore, lost: str, passing: FakeTime
) -> None:
    wait(passing, minutes=8 * 24 * 60)
    assert json.loads(housing("status", "--json").stdout) == []

    wait(passing, minutes=3)
    jobs.create(job_status(lost))
    assert [job["state"] for job in json.loads(housing("status", "--json").stdout)] == ["queued"]


def test_a_job_that_waits_for_its_turn_says_so(housing: CommandLine, jobs: JobStore) -> None:
    jobs.create(job_status(message="waiting for capacity"))

    assert "waiting for capacity" in housing("status").stdout


@pytest.mark.parametrize(("code", "exit_code"), [("AccessDenied", 0), ("SlowDown", 1)])
def test_jobs_are_shown_where_uploads_may_not_be_listed(
    housing: CommandLine,
    jobs: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    exit_code: int,
) -> None:
    jobs.create(job_status())
    error = ClientError({"Error": {"Code": code}}, "ListObjectVersions")
    monkeypatch.setattr("housing_cli.jobs.waiting_uploads.waiting_uploads", Mock(side_effect=error))

    result = housing("status")

    assert result.exit_code == exit_code
    if exit_code == 0:
        assert "job-1" in result.stdout
        assert "s3:ListBucketVersions" in result.stderr
