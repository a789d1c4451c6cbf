"""A stack of the tests' own, on free ports and in a folder of its own."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import httpx
import psutil
from localstack_client.session import Session

from housing.errors import JobNotFoundError
from housing.jobs.status import JobStatus, JobStore
from housing.registry.mlflow import MlflowModelRegistry
from housing.s3.layout import NEW_DATA, job_id
from housing_ops.checkout import CHECKOUT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COMMAND_SECONDS = 300
JOB_SECONDS = 120
ENDPOINT = os.environ.get("HOUSING_AWS_ENDPOINT", "")
"""The endpoint to run on, if the stack is not to start one of its own."""
SMALL = {"models": 1, "iterations": 60, "neighbour_folds": 5}
"""A model that is made in a third of the time; tests/unit asks how good one is."""
_POLL_SECONDS = 0.2
_KEPT = ("PATH", "HOME", "LANG", "COVERAGE_PROCESS_CONFIG")  # the last: make coverage
T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on right now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [bound.getsockname()[1] for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


def wait_for(what: Callable[[], T | None], *, seconds: float = 60) -> T:
    """Return the first answer that is neither None nor False."""
    deadline = time.monotonic() + seconds
    while True:
        value = what()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(_POLL_SECONDS)


def inherited() -> dict[str, str]:
    """Return what a program of the tests is given of their own environment."""
    return {name: os.environ[name] for name in _KEPT if name in os.environ}


def environment_of(state_dir: Path, ports: list[int], data: Path) -> dict[str, str]:
    """Return the environment in which ``local_stack`` manages a stack in this folder."""
    kept = inherited()
    aws_port, mlflow_port, api_port = map(str, ports)
    return kept | {
        "HOUSING_STATE_DIR": str(state_dir),
        "HOUSING_AWS_PORT": aws_port,
        "HOUSING_MLFLOW_PORT": mlflow_port,
        "HOUSING_API_PORT": api_port,
        "HOUSING_DATA": str(data),
        "HOUSING_TRAINING_SETTINGS": json.dumps(SMALL),
        "HOUSING_AWS_ENDPOINT": ENDPOINT,
        "HOUSING_STACK_NAME": f"housing-{secrets.token_hex(3)}",  # others' may be on the endpoint
    }


def local_stack(
    environment: Mapping[str, str], command: str, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m local_stack COMMAND``."""
    done = subprocess.run(
        [sys.executable, "-m", "local_stack", command],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def processes_of(state_dir: Path) -> list[psutil.Process]:
    """Return every process that has to do with the stack in this folder.

    Where the endpoint is another's, so are the functions.
    """
    processes = []
    for process in psutil.process_iter():
        try:
            traces = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if ENDPOINT and "awslambdaric" in traces:
            continue
        if process.pid != os.getpid() and any(str(state_dir) in trace for trace in traces):
            processes.append(process)
    return processes


def forgotten(environment: Mapping[str, str]) -> None:
    """End a stack, whatever is left of it, and take it off an endpoint that goes on."""
    local_stack(environment, "down", check=False)
    for process in processes_of(Path(environment["HOUSING_STATE_DIR"])):
        process.kill()
    if ENDPOINT:
        cloudformation = Session(localstack_host=urlsplit(ENDPOINT).netloc).client("cloudformation")
        cloudformation.delete_stack(StackName=environment["HOUSING_STACK_NAME"])


@contextmanager
def brought_up(state_dir: Path, data: Path, **settings: str) -> Iterator["RunningStack"]:
    """Bring a stack up on free ports; end it, whatever happens, and all that it started.

    Args:
        state_dir: Where it keeps what it has.
        data: CSV of its first model.
        settings: More of its variables.
    """
    environment = environment_of(state_dir, free_ports(3), data) | settings
    try:
        done = local_stack(environment, "up")
        yield RunningStack(state_dir, environment, done.stdout)
    finally:
        forgotten(environment)


@dataclass(frozen=True)
class RunningStack:
    """The stack, and clients of its services as anybody would make them."""

    state_dir: Path
    environment: Mapping[str, str]
    first_output: str

    @property
    def env(self) -> dict[str, str]:
        """The promised file ``env`` of the stack."""
        lines = (self.state_dir / "env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def name(self) -> str:
        return self.environment["HOUSING_STACK_NAME"]

    @property
    def bucket(self) -> str:
        return self.env["HOUSING_BUCKET"]

    def client(self, service: str) -> Any:
        endpoint = self.env["AWS_ENDPOINT_URL"].removeprefix("http://")
        return Session(localstack_host=endpoint).client(service)

    @property
    def s3(self) -> "S3Client":
        client: S3Client = self.client("s3")
        return client

    @property
    def jobs(self) -> JobStore:
        return JobStore(self.s3, self.bucket)

    @property
    def registry(self) -> MlflowModelRegistry:
        return MlflowModelRegistry(self.env["MLFLOW_TRACKING_URI"], self.env["HOUSING_MODEL_NAME"])

    def api(self, *, key: str | None = None) -> httpx.Client:
        headers = {"x-api-key": self.env["HOUSING_API_KEY"] if key is None else key}
        return httpx.Client(base_url=self.env["HOUSING_API_URL"], headers=headers, timeout=30)

    def health(self) -> dict[str, Any]:
        with self.api(key="") as api:
            answer: dict[str, Any] = api.get("/health").raise_for_status().json()
        return answer

    def put(self, name: str, body: bytes) -> str:
        """Upload with a plain S3 client; return the id of the job that it causes."""
        answer = self.s3.put_object(Bucket=self.bucket, Key=NEW_DATA + name, Body=body)
        version = answer.get("VersionId") or answer["ETag"].strip('"')
        return job_id(bucket=self.bucket, key=NEW_DATA + name, version=version)

    def finished(self, job: str) -> JobStatus:
        """Wait for a job's end."""

        def final() -> JobStatus | None:
            try:
                status = self.jobs.load(job)
            except JobNotFoundError:
                return None
            return status if status.state.is_final else None

        return wait_for(final, seconds=JOB_SECONDS)

    def sandboxes(self, function: str) -> list[psutil.Process]:
        """Return the processes of a function."""
        wanted = {
            "AWS_LAMBDA_FUNCTION_NAME": f"{self.name}-{function}",
            "AWS_ENDPOINT_URL": self.env["AWS_ENDPOINT_URL"],
        }
        processes = []
        for process in psutil.process_iter():
            try:
                if (
                    "awslambdaric" in process.cmdline()
                    and wanted.items() <= process.environ().items()
                ):
                    processes.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return processes

    def read_json(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def housing(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the stack's ``housing`` command."""
        return subprocess.run(
            [str(self.state_dir / "bin" / "housing"), *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
