"""Jobs as processes: what they are given, and what is left of them."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retrain.errors import LaunchError
from retrain.launcher import Job
from retrain.local_launcher import LocalJobLauncher

JOB = Job(bucket="housing-test", key="new_data/a.csv", version_id="v1")
OTHER = Job(bucket="housing-test", key="new_data/b.csv", version_id="v2")
PROGRAM = """#!{python}
import json, os, sys
print(json.dumps({{
    "arguments": sys.argv[1:], "environment": dict(os.environ),
    "leads_its_session": os.getsid(0) == os.getpid(), "input": sys.stdin.read(),
}}), flush=True)
print("and an error", file=sys.stderr)
"""


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """Return an "interpreter" that says how it was started."""
    path = tmp_path / "python"
    path.write_text(PROGRAM.format(python=sys.executable))
    path.chmod(0o755)
    return path


@pytest.fixture
def jobs_dir(tmp_path: Path) -> Path:
    return tmp_path / "jobs"


@pytest.fixture
def launcher(python: Path, jobs_dir: Path) -> Iterator[LocalJobLauncher]:
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_ENDPOINT_URL": "http://aws.test",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "MLFLOW_TRACKING_URI": "http://mlflow.test",
        "HOUSING_BUCKET": "housing-test",
        "PYTHONPATH": "/var/task",
        "SECRET_OF_SOMEBODY_ELSE": "secret",
    }
    launcher = LocalJobLauncher(python, jobs_dir, environment)
    yield launcher
    for child in launcher._children.values():
        child.wait(10)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def said(jobs_dir: Path, job: Job) -> str:
    log = jobs_dir / f"{job.job_id}.log"
    until(lambda: log.exists() and "and an error" in log.read_text())
    return log.read_text()


def test_a_job_runs_detached_with_its_arguments(launcher: LocalJobLauncher, jobs_dir: Path) -> None:
    launcher.launch(JOB)

    found = json.loads(said(jobs_dir, JOB).splitlines()[0])
    assert found["arguments"] == ["-m", "retrain.training", *JOB.arguments()]
    assert found["leads_its_session"]
    assert found["input"] == ""


def test_a_job_gets_what_it_needs_of_the_environment_and_nothing_else(
    launcher: LocalJobLauncher, jobs_dir: Path
) -> None:
    launcher.launch(JOB)

    found = json.loads(said(jobs_dir, JOB).splitlines()[0])["environment"]
    assert set(found) - {"LC_CTYPE"} == {
        "PATH",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "MLFLOW_TRACKING_URI",
        "HOUSING_BUCKET",
    }


def test_the_process_id_is_written_down(launcher: LocalJobLauncher, jobs_dir: Path) -> None:
    launcher.launch(JOB)

    pid = int((jobs_dir / f"{JOB.job_id}.pid").read_text())
    assert pid == launcher._children[JOB.job_id].pid


def test_ended_jobs_are_let_go_at_the_next_launch(
    launcher: LocalJobLauncher, jobs_dir: Path
) -> None:
    launcher.launch(JOB)
    pid = int((jobs_dir / f"{JOB.job_id}.pid").read_text())
    until(lambda: _is_zombie(pid))

    launcher.launch(OTHER)

    assert not Path(f"/proc/{pid}").exists()
    assert not (jobs_dir / f"{JOB.job_id}.pid").exists()


def test_an_interpreter_that_is_missing_is_a_failed_launch(tmp_path: Path) -> None:
    launcher = LocalJobLauncher(tmp_path / "missing", tmp_path / "jobs", {})

    with pytest.raises(LaunchError, match="missing: No such file"):
        launcher.launch(JOB)


def _is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
