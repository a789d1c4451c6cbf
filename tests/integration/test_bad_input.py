"""Bad input: refused with a reason, reported in the bucket, and nothing that is live moves."""

from pathlib import Path

import httpx
import pytest

from housing.jobs.status import State
from housing.registry.port import PRODUCTION
from housing.schema import FEATURES
from integration.running_stack import RunningStack
from subjects.california.sample import generate

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}


def _without_a_column() -> bytes:
    return generate(rows=20, seed=9).drop(columns="Latitude").to_csv(index=False).encode()


def _with_text_for_numbers() -> bytes:
    frame = generate(rows=20, seed=9).astype(object)
    frame.loc[3:8, "MedInc"] = "plenty"
    return frame.to_csv(index=False).encode()


BAD_FILES = {
    "missing-column": (_without_a_column(), "Latitude"),
    "text-in-a-number": (_with_text_for_numbers(), "MedInc"),
    "empty": (b"", "empty"),
    "no-csv": (bytes(range(256)) * 40, ""),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_bad_csv_is_rejected_with_a_report_and_the_served_model_stays(
    stack: RunningStack, case: str
) -> None:
    body, named = BAD_FILES[case]
    live = stack.registry.version_by_alias(PRODUCTION).version

    job = stack.finished(stack.put(f"{case}.csv", body))

    assert job.state == State.REJECTED
    assert job.reason
    assert named in job.reason
    assert job.next_step
    assert job.report_key
    assert job.report_key.startswith("rejected/")
    report = stack.read_json(job.report_key)
    assert named in str(report)
    assert stack.registry.version_by_alias(PRODUCTION).version == live
    assert stack.housing("status", job.job_id).stdout.count(job.job_id) >= 1


def test_the_report_names_row_column_and_reason(stack: RunningStack) -> None:
    job = stack.finished(stack.put("rows.csv", _with_text_for_numbers()))

    assert job.report_key
    problem = stack.read_json(job.report_key)["problems"][0]
    assert (problem["row"], problem["column"], problem["value"]) == (4, "MedInc", "plenty")
    assert "number" in problem["reason"]


def test_the_command_line_says_why_and_exits_with_1(stack: RunningStack, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(_without_a_column())

    done = stack.housing("upload", str(path), "--wait")

    assert done.returncode == 1
    assert "Latitude" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({name: v for name, v in EXAMPLE.items() if name != "AveRooms"}, "AveRooms"),
        (EXAMPLE | {"MedInc": "lots"}, "MedInc"),
        (EXAMPLE | {"Latitude": 123}, "Latitude"),
        (EXAMPLE | {"Pool": 1}, "Pool"),
    ],
)
def test_a_bad_request_is_a_422_that_names_the_field(
    stack: RunningStack, body: dict[str, object], field: str
) -> None:
    with stack.api() as api:
        answer = api.post("/predict", json=body)

    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert field in [error["field"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("key", ["", "wrong"])
def test_without_a_key_there_is_health_and_no_prediction(stack: RunningStack, key: str) -> None:
    with stack.api(key=key) as api:
        codes = [
            api.post("/predict", json=EXAMPLE).status_code,
            api.get("/model").status_code,
            api.get("/health").status_code,
            api.get("/ping").status_code,
        ]

    assert codes == [httpx.codes.FORBIDDEN, httpx.codes.FORBIDDEN, httpx.codes.OK, httpx.codes.OK]
