"""Back and forth on the deployed stack: served, in the ledger, and where a cold start looks."""

import json

import pytest

from housing.registry.ledger import AliasChange, Ledger
from housing.registry.port import PREVIOUS, PRODUCTION
from housing.schema import FEATURES
from integration.running_stack import RunningStack, wait_for
from subjects.california.sample import generate

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}


def served_by(stack: RunningStack) -> str:
    with stack.api() as api:
        answer = api.post("/predict", json=EXAMPLE)
    return str(answer.headers.get("X-Model-Version"))


def test_a_rollback_and_a_promotion_are_served_and_written_down(stack: RunningStack) -> None:
    old = stack.registry.version_by_alias(PRODUCTION).version
    rows = generate(rows=2_000, seed=77).to_csv(index=False).encode()
    new = stack.finished(stack.put("a second version.csv", rows)).model_version
    assert new
    done = stack.housing("promote", new, "--reason", "a test", "--json")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: served_by(stack) == new, seconds=30)

    done = stack.housing("rollback", "--to", old, "--reason", "prices are odd", "--json")

    said = json.loads(done.stdout)
    assert (said["version"], said["from_version"], said["changed"]) == (old, new, True)
    assert said["automatic_promotion"]["why"] == "prices are odd"
    wait_for(lambda: stack.health()["automatic_promotion"]["stopped"], seconds=30)
    assert "automatic promotion is stopped since" in stack.housing("status").stdout
    wait_for(lambda: served_by(stack) == old, seconds=30)
    assert stack.registry.version_by_alias(PREVIOUS).version == new
    assert stack.read_json("models/production.json")["version"] == old
    newest = Ledger(stack.s3, stack.bucket).newest(1)[0]
    assert isinstance(newest, AliasChange)
    assert (newest.alias, newest.from_version, newest.to_version) == (PRODUCTION, new, old)
    assert newest.who.startswith("api key admin-")
    with stack.api() as api:
        listed = api.get("/models").raise_for_status().json()
    assert stack.sandboxes("admin")  # the API asked it, and not the function that predicts
    assert listed["production"] == old
    assert listed["history"][0]["why"] == "prices are odd"
    assert "prices are odd" in stack.housing("models", "--history").stdout

    done = stack.housing("promote", new, "--reason", "it was right")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: served_by(stack) == new, seconds=30)

    done = stack.housing("resume", "--reason", "it was right")
    assert done.returncode == 0, done.stderr
    wait_for(lambda: not stack.health()["automatic_promotion"]["stopped"], seconds=30)

    listed = json.loads(stack.housing("data", "list", "--json").stdout)
    job = next(one["job_id"] for one in listed if one["file"] == "a second version.csv")
    done = stack.housing("data", "exclude", job, "--reason", "a test")
    assert "2,000 rows" in done.stdout, done.stderr
    shown = stack.housing("data", "list").stdout
    assert any(job in line and "excluded" in line for line in shown.splitlines())
    done = stack.housing("data", "include", job, "--reason", "a test", "--json")
    assert json.loads(done.stdout)["upload"]["state"] == "included"
