"""The administrator's routes on the deployed stack: a file by a signed form, jobs, alarms."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from integration.running_stack import ENDPOINT, RunningStack, wait_for

pytestmark = pytest.mark.integration
BAD_ROWS = (
    b"MedInc,HouseAge,AveRooms,AveBedrms,Population,AveOccup,Latitude,Longitude,MedHouseVal\n"
    + (b"3,20,5,1,1000,3,34,-118,none\n" * 9)
)


@pytest.fixture
def admin(stack: RunningStack) -> Iterator[httpx.Client]:
    with stack.api(key=stack.env["HOUSING_ADMIN_KEY"]) as api:
        yield api


def form(admin: httpx.Client, name: str) -> dict[str, Any]:
    """Return a signed form."""
    answer: dict[str, Any] = admin.post("/uploads", json={"name": name}).raise_for_status().json()
    return answer


def posted(signed: dict[str, Any], body: bytes, **fields: str) -> httpx.Response:
    """Post a file as a browser does, perhaps with other fields than the signed ones."""
    return httpx.post(
        signed["url"],
        data={**signed["fields"], **fields},
        files={"file": ("from a disk.csv", body, "text/csv")},
        headers={"Origin": "http://127.0.0.1:5001"},
        timeout=30,
    )


def test_a_file_by_form_becomes_a_job_with_the_errors_of_its_rows(
    stack: RunningStack, admin: httpx.Client
) -> None:
    answer = posted(form(admin, "by form.csv"), BAD_ROWS)
    assert answer.status_code == 201, answer.text
    upload = {"file": "by form.csv", "version": answer.headers["x-amz-version-id"]}

    def ended() -> dict[str, Any] | None:
        jobs = admin.get("/jobs", params=upload).raise_for_status().json()["jobs"]
        return jobs[0] if jobs and jobs[0]["finished_at"] else None

    job = wait_for(ended, seconds=120)

    assert (job["state"], job["file"]) == ("rejected", "by form.csv")
    assert job["job_id"] in [one["job_id"] for one in admin.get("/jobs").json()["jobs"]]
    shown = admin.get(f"/jobs/{job['job_id']}").raise_for_status().json()
    assert [one["stage"] for one in shown["status"]["stages"]] == ["launch", "ingest"]
    first = shown["report"]["problems"][0]
    assert (first["row"], first["column"], first["value"]) == (1, "MedHouseVal", "none")
    head = stack.s3.head_object(Bucket=stack.bucket, Key="new_data/by form.csv")
    assert head["Metadata"] == {"data-source": "upload"}


def test_a_form_takes_nothing_but_what_it_was_signed_for(admin: httpx.Client) -> None:
    signed = form(admin, "only this.csv")

    for other in (
        {"key": "new_data/another.csv"},
        {"key": "dataset/rows.parquet"},
        {"Content-Type": "text/html"},
        {"x-amz-meta-data-source": "somebody else"},
        {"acl": "public-read"},
    ):
        assert posted(signed, BAD_ROWS, **other).status_code == 403, other
    assert posted(signed, b"").status_code == 400


def test_a_predict_key_reads_neither_jobs_nor_alarms_and_uploads_nothing(
    stack: RunningStack,
) -> None:
    with stack.api() as api:
        statuses = [api.get(path).status_code for path in ("/jobs", "/jobs/0f1e", "/alerts")]
        statuses.append(api.post("/uploads", json={"name": "a.csv"}).status_code)
        history = api.get("/metrics/history?hours=1")

    assert statuses == [403] * 4
    assert ENDPOINT or len(history.raise_for_status().json()["periods"]) == 12


def test_the_stacks_alarms_are_listed(stack: RunningStack, admin: httpx.Client) -> None:
    alerts = admin.get("/alerts").raise_for_status().json()

    names = {one["name"] for one in alerts["alarms"]}
    assert f"{stack.name}-stale-model" in names
    assert all(name.startswith(f"{stack.name}-") for name in names)


def test_a_page_of_this_machine_may_post_and_no_other(stack: RunningStack) -> None:
    preflight = {"Access-Control-Request-Method": "POST"}
    url = f"{stack.env['AWS_ENDPOINT_URL']}/{stack.bucket}"
    own, others = (
        httpx.options(url, headers=preflight | {"Origin": origin})
        for origin in ("http://127.0.0.1:5001", "https://evil.example")
    )

    assert own.headers["Access-Control-Allow-Origin"] in {"*", "http://127.0.0.1:5001"}
    assert "Access-Control-Allow-Origin" not in others.headers
