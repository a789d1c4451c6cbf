"""The jobs as the API shows them: newest first in pages, one in full with its file's errors."""

import asyncio
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from fakes.asgi_client import AsgiClient
from fakes.cloudwatch import FakeAlarms
from fakes.jobs import MOMENT, job_status, stage_times
from fakes.model_changes import no_changes
from fakes.model_store import FakeModelStore
from housing.jobs.results import Held, RowCounts, Verdict
from housing.jobs.status import JobStore, Stage, State
from housing.s3.layout import job_id
from predict.access.auth import OpenAccess
from predict.admin.alarms import Alarms
from predict.admin.training_jobs import TrainingJobs
from predict.admin.upload_grants import UploadGrants
from predict.aws_composition import Operations
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def jobs(s3: "S3Client") -> JobStore:
    return JobStore(s3, BUCKET)


@pytest.fixture
def api(
    settings: PredictSettings,
    models: FakeModelStore,
    telemetry: Telemetry,
    loop: asyncio.AbstractEventLoop,
    s3: "S3Client",
) -> AsgiClient:
    parts = Operations(
        TrainingJobs(s3, BUCKET),
        UploadGrants(s3, BUCKET, timedelta(minutes=15), 1_000),
        Alarms(FakeAlarms, ()),
    )
    app = create_app(
        settings, models, telemetry, OpenAccess(), no_changes, operations=lambda: parts
    )
    return AsgiClient(app, loop)


def write_report(s3: "S3Client", job: str, problems: int) -> str:
    """Write a report as a job does; return its key."""
    key = f"rejected/{job}/report.json"
    listed = [
        {
            "row": row,
            "line": row + 1,
            "column": "MedInc",
            "value": "<b>x</b>",
            "reason": "no number",
        }
        for row in range(1, problems + 1)
    ]
    report = {"rejected_whole": True, "problems_total": problems, "problems": listed}
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(report).encode())
    return key


def test_jobs_come_newest_first_in_pages_that_end(api: AsgiClient, jobs: JobStore) -> None:
    for number in range(5):
        jobs.save(job_status(f"job-{number}", created_at=MOMENT + timedelta(hours=number)))

    pages: list[list[str]] = []
    address: str | None = "/jobs?limit=2"
    while address:
        page = api.get(address).json()
        pages.append([one["job_id"] for one in page["jobs"]])
        address = f"/jobs?limit=2&before={page['next']}" if page["next"] else None

    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(job for page in pages for job in page) == [f"job-{n}" for n in range(5)]


def test_a_job_in_the_list_says_why(api: AsgiClient, jobs: JobStore) -> None:
    verdict = Verdict(promote=False, reason="worse in one slice", holdout_rows=9)
    jobs.save(job_status("a", state=State.SUCCEEDED, verdict=verdict, promoted=False))
    held = Held(kind="data", reason="it contradicts production")
    jobs.save(job_status("b", state=State.HELD, verdict=verdict, held=held))
    jobs.save(job_status("c", state=State.REJECTED, reason="no good row"))

    listed = {one["job_id"]: one for one in api.get("/jobs").json()["jobs"]}

    assert [listed[name]["reason"] for name in "abc"] == [
        "worse in one slice",
        "it contradicts production",
        "no good row",
    ]
    assert (listed["a"]["file"], listed["a"]["promoted"]) == ("more.csv", False)


def test_the_job_of_an_upload_is_found_by_its_version(api: AsgiClient, jobs: JobStore) -> None:
    assert api.get("/jobs?file=more.csv&version=v1").json() == {"jobs": [], "next": None}
    job = job_id(bucket=BUCKET, key="new_data/more.csv", version="v1")
    jobs.save(job_status(job))
    jobs.save(job_status("another"))

    [found] = api.get("/jobs?file=more.csv&version=v1").json()["jobs"]

    assert found["job_id"] == job
    assert api.get("/jobs?file=..%2Fa.txt&version=v1").json()["jobs"] == []


def test_a_job_is_shown_with_its_stages_and_the_errors_of_its_file(
    api: AsgiClient, jobs: JobStore, s3: "S3Client"
) -> None:
    key = write_report(s3, "job-1", problems=150)
    stages = stage_times({Stage.LAUNCH: 1.5, Stage.INGEST: None})
    rows = RowCounts(read=200, accepted=50, rejected=150, new=50)
    jobs.save(job_status(state=State.RUNNING, stages=stages, rows=rows, report_key=key))

    shown = api.get("/jobs/job-1").json()

    assert [one["stage"] for one in shown["status"]["stages"]] == ["launch", "ingest"]
    assert shown["status"]["rows"]["rejected"] == 150
    report = shown["report"]
    assert (report["problems_total"], len(report["problems"])) == (150, 100)
    assert report["problems"][1] == {
        "row": 2,
        "column": "MedInc",
        "value": "<b>x</b>",
        "reason": "no number",
    }


def test_a_job_whose_report_was_deleted_is_shown_without_it(
    api: AsgiClient, jobs: JobStore
) -> None:
    jobs.save(job_status(report_key="rejected/job-1/report.json"))

    assert api.get("/jobs/job-1").json()["report"] is None


def test_a_job_that_is_not_there_is_404(api: AsgiClient) -> None:
    answer = api.get("/jobs/job-9")

    assert answer.status_code == 404
    assert answer.json()["detail"] == "there is no job job-9"


@pytest.mark.parametrize(
    "address", ["/jobs?limit=101", "/jobs?limit=0", "/jobs?before=x", "/jobs/a.b", "/jobs/%2e%2e"]
)
def test_a_wrong_page_or_id_is_refused(api: AsgiClient, address: str) -> None:
    assert api.get(address).status_code == 422


def test_a_bucket_that_is_away_is_503(api: AsgiClient, s3: "S3Client") -> None:
    s3.delete_bucket(Bucket=BUCKET)

    answer = api.get("/jobs")

    assert answer.status_code == 503
    assert "bucket" in answer.json()["detail"]
