"""``housing upload``: the file goes up, the job is followed, its end is the exit status."""

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.command_line import CommandLine
from fakes.jobs import FakeTime, job_status, stage_times
from housing.jobs.results import Drift, Held, RowCounts, Verdict
from housing.jobs.status import JobStatus, JobStore, Stage, State
from housing.s3.layout import job_id

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
KEPT = Verdict(
    promote=False,
    reason="not better",
    challenger_rmse=0.47,
    champion_rmse=0.46,
    champion_version="2",
    holdout_rows=4_128,
)
REPORT = "rejected/job/report.json"


@pytest.fixture
def expected_job(csv: Path) -> str:
    """The id of the job that uploading the file causes, in a bucket without versions."""
    etag = hashlib.md5(csv.read_bytes(), usedforsecurity=False).hexdigest()
    return job_id(bucket=BUCKET, key="new_data/more.csv", version=etag)


@pytest.fixture
def succeeded(expected_job: str) -> JobStatus:
    return job_status(
        expected_job,
        state=State.SUCCEEDED,
        stage=Stage.GATE,
        stages=stage_times({Stage.INGEST: 0.4, Stage.FIT: 2.1}),
        rows=RowCounts(
            read=20_640, accepted=20_000, rejected=640, new=7, duplicates=3, known=19_990
        ),
        model_version="3",
        metrics={"rmse": 0.47123},
        verdict=KEPT,
        promoted=False,
    )


@pytest.fixture
def rejected(expected_job: str) -> JobStatus:
    return job_status(
        expected_job,
        state=State.REJECTED,
        stage=Stage.INGEST,
        stages=stage_times({Stage.INGEST: None}),
        reason="column AveRooms is missing",
        next_step="add the column and upload again",
        report_key=REPORT,
    )


@pytest.mark.usefixtures("jobs")
def test_an_upload_prints_its_key_and_its_job(
    housing: CommandLine, csv: Path, expected_job: str
) -> None:
    result = housing("upload", str(csv))

    assert result.exit_code == 0
    assert "uploaded new_data/more.csv" in result.stdout
    assert f"job      {expected_job}" in result.stdout


def test_source_and_name_of_the_upload_can_be_given(
    housing: CommandLine, csv: Path, s3: "S3Client"
) -> None:
    result = housing("upload", str(csv), "--name", "else.csv", "--source", "census 1990")

    assert result.exit_code == 0
    head = s3.head_object(Bucket=BUCKET, Key="new_data/else.csv")
    assert head["Metadata"] == {"data-source": "census 1990"}


def test_waiting_shows_the_stages_and_the_outcome(
    housing: CommandLine, csv: Path, jobs: JobStore, succeeded: JobStatus
) -> None:
    jobs.create(succeeded)

    result = housing("upload", str(csv), "--wait")

    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["✓", "ingest", "0.4", "s"] in lines
    assert ["✓", "fit", "2.1", "s"] in lines
    assert ["version", "3"] in lines
    assert ["promoted", "no"] in lines
    assert ["metrics", "rmse", "0.4712"] in lines
    assert (
        "20,640 read, 20,000 good, 640 bad, 7 new, 3 twice in the file, 19,990 known"
        in result.stdout
    )
    assert "not better; on 4,128 held-out rows" in result.stdout


def test_a_version_that_is_held_is_a_success_and_says_why_it_waits(
    housing: CommandLine, jobs: JobStore, csv: Path, succeeded: JobStatus
) -> None:
    held = Held(kind="stop", reason="automatic promotion is stopped", who="anna")
    jobs.create(succeeded.model_copy(update={"state": State.HELD, "held": held}))

    done = housing("upload", str(csv), "--wait")

    assert done.exit_code == 0, done.output
    assert "automatic promotion is stopped (by anna)" in done.stdout


def test_waiting_shows_what_drifts(
    housing: CommandLine, csv: Path, jobs: JobStore, succeeded: JobStatus
) -> None:
    drift = Drift(rows=60, reference_rows=900, warnings=["MedInc drifts: PSI 0.41"])
    jobs.create(succeeded.model_copy(update={"drift": drift}))

    shown, document = (housing("upload", str(csv), "--wait", *form) for form in ([], ["--json"]))

    assert "MedInc drifts: PSI 0.41" in shown.stdout
    assert json.loads(document.stdout)["job"]["drift"] == drift.model_dump(mode="json")


def test_waiting_sees_a_job_through_its_stages(
    housing: CommandLine,
    csv: Path,
    jobs: JobStore,
    succeeded: JobStatus,
    passing: FakeTime,
) -> None:
    running = succeeded.model_copy(
        update={"state": State.RUNNING, "stages": stage_times({Stage.INGEST: None})}
    )
    documents = iter([running, succeeded])
    passing.on_sleep = lambda: jobs.save(next(documents))

    result = housing("upload", str(csv), "--wait")

    assert result.exit_code == 0, result.output
    assert result.stdout.count("ingest") == 1
    assert next(documents, None) is None


def test_a_rejected_upload_shows_reason_places_and_report(
    housing: CommandLine, csv: Path, jobs: JobStore, rejected: JobStatus, s3: "S3Client"
) -> None:
    jobs.create(rejected)
    problems = [{"row": 7, "column": "MedInc", "value": "much", "reason": "not a number"}]
    s3.put_object(Bucket=BUCKET, Key=REPORT, Body=json.dumps({"problems": problems}).encode())

    result = housing("upload", str(csv), "--wait")

    assert result.exit_code == 1
    assert "column AveRooms is missing" in result.stderr
    assert "add the column and upload again" in result.stdout
    assert "row 7, MedInc, 'much': not a number" in result.stdout
    assert f"s3://{BUCKET}/{REPORT}" in result.stdout


@pytest.mark.parametrize("body", [None, b"not JSON", b'{"problems": 3}', b"[]", b"\xff"])
def test_a_report_that_cannot_be_read_takes_nothing_from_the_rest(
    body: bytes | None, housing: CommandLine, csv: Path, rejected: JobStatus, s3: "S3Client"
) -> None:
    JobStore(s3, BUCKET).create(rejected)
    if body is not None:
        s3.put_object(Bucket=BUCKET, Key=REPORT, Body=body)

    result = housing("upload", str(csv), "--wait")

    assert result.exit_code == 1
    assert "column AveRooms is missing" in result.stderr


def test_json_holds_upload_and_job_and_nothing_else_is_on_stdout(
    housing: CommandLine, csv: Path, jobs: JobStore, succeeded: JobStatus
) -> None:
    jobs.create(succeeded)

    result = housing("upload", str(csv), "--wait", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 0
    assert document["key"] == "new_data/more.csv"
    assert document["job_id"] == succeeded.job_id
    assert document["job"]["model_version"] == "3"


def test_json_of_a_rejected_upload_holds_reason_and_problems(
    housing: CommandLine, csv: Path, jobs: JobStore, rejected: JobStatus, s3: "S3Client"
) -> None:
    jobs.create(rejected)
    s3.put_object(Bucket=BUCKET, Key=REPORT, Body=b'{"problems": [{"reason": "no column"}]}')

    result = housing("upload", str(csv), "--wait", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert "column AveRooms is missing" in document["error"]
    assert document["problems"][0]["reason"] == "no column"
    assert document["job"]["state"] == "rejected"


def test_a_job_that_succeeds_without_a_version_is_no_success(
    housing: CommandLine, csv: Path, jobs: JobStore, succeeded: JobStatus
) -> None:
    jobs.create(succeeded.model_copy(update={"model_version": None, "message": "no new rows"}))

    result = housing("upload", str(csv), "--wait")

    assert result.exit_code == 1
    assert "registered no version: no new rows" in result.stderr


@pytest.mark.usefixtures("jobs")
def test_a_job_that_never_appears_ends_the_wait_with_what_to_check(
    housing: CommandLine, csv: Path, expected_job: str
) -> None:
    result = housing("upload", str(csv), "--wait", "--json")

    document = json.loads(result.stdout)
    assert result.exit_code == 1
    assert "check that the schedule calls the retrain function" in document["error"]
    assert "no job yet: the upload's event is late or lost" in result.stderr
    assert document["job_id"] == expected_job


def test_a_missing_file_is_one_line(housing: CommandLine) -> None:
    result = housing("upload", "nowhere.csv")

    assert result.exit_code == 1
    assert result.stderr == "error: no such file: nowhere.csv\n"


@pytest.mark.usefixtures("s3")
def test_a_missing_bucket_is_one_line_that_names_the_setting(
    housing: CommandLine, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_BUCKET", "housing-other")

    result = housing("upload", str(csv))

    assert result.exit_code == 1
    assert "the bucket in HOUSING_BUCKET does not exist" in result.stderr


def test_no_file_at_all_is_a_usage_error(housing: CommandLine) -> None:
    assert housing("upload").exit_code == 2
