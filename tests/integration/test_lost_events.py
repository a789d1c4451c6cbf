"""Uploads whose events never come: the sweep finds them, and each is trained on, one at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from housing.errors import JobNotFoundError
from housing.jobs.status import JobStatus, State
from housing.jobs.uploads import UploadRecords
from integration.running_stack import JOB_SECONDS, RunningStack, processes_of, wait_for
from subjects.california.sample import generate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]
UPLOADS, ROWS = 6, 60
SWEEPS = 2
"""So many are promised to find an upload."""
NO_GRACE = {"HOUSING_UPLOAD_GRACE_SECONDS": "0"}


@contextmanager
def without_events(stack: RunningStack) -> Iterator[None]:
    """Have the bucket notify nobody for a block."""
    given, client = {"Bucket": stack.bucket}, stack.client("s3")
    answer = client.get_bucket_notification_configuration(**given)
    kept = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    client.put_bucket_notification_configuration(**given, NotificationConfiguration={})
    try:
        yield
    finally:
        client.put_bucket_notification_configuration(**given, NotificationConfiguration=kept)


@contextmanager
def sweeping_at_once(stack: RunningStack) -> Iterator[None]:
    """Have the function take an upload without a job for lost however young it is."""
    function, client = {"FunctionName": f"{stack.name}-retrain"}, stack.client("lambda")
    variables = client.get_function_configuration(**function)["Environment"]["Variables"]
    changed = {"Variables": variables | NO_GRACE}
    client.update_function_configuration(**function, Environment=changed)
    try:
        yield
    finally:
        client.update_function_configuration(**function, Environment={"Variables": variables})


def sweep(stack: RunningStack) -> dict[str, Any]:
    """Call the function as its schedule does."""
    answer = stack.client("lambda").invoke(
        FunctionName=f"{stack.name}-retrain", Payload=b'{"source": "aws.events"}'
    )
    swept: dict[str, Any] = json.loads(answer["Payload"].read())
    assert "recovered" in swept, swept
    return swept


def trainings(stack: RunningStack) -> int:
    """Return how many jobs are at work now."""
    count = 0
    for process in processes_of(stack.state_dir):
        try:
            count += "retrain.training" in process.cmdline()
        except psutil.NoSuchProcess:
            continue
    return count


def test_uploads_whose_events_are_lost_are_found_and_trained_on_one_at_a_time(
    stack: RunningStack,
) -> None:
    bodies = [
        generate(rows=ROWS, seed=500 + number).to_csv(index=False).encode()
        for number in range(UPLOADS)
    ]
    with without_events(stack):
        jobs = {stack.put(f"lost {n} + é.csv", body) for n, body in enumerate(bodies)}
    shown = json.loads(stack.housing("status", "--limit", "50", "--json").stdout)
    most_at_once = 0

    def ended() -> list[JobStatus] | None:
        nonlocal most_at_once
        most_at_once = max(most_at_once, trainings(stack))
        try:
            statuses = [stack.jobs.load(job) for job in jobs]
        except JobNotFoundError:
            return None
        return statuses if all(status.state.is_final for status in statuses) else None

    with sweeping_at_once(stack):
        recovered = [job for _ in range(SWEEPS) for job in sweep(stack)["recovered"]]
        statuses = wait_for(ended, seconds=2 * JOB_SECONDS)

    assert {one["job_id"] for one in shown if one["state"] == "waiting"} >= jobs
    assert set(recovered) >= jobs
    assert {status.state for status in statuses} == {State.SUCCEEDED}
    assert most_at_once == 1
    assert jobs <= {record.job_id for record in UploadRecords(stack.s3, stack.bucket).newest()}
