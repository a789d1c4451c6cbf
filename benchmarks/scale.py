"""``make bench-scale``: time and memory of a whole job, upload to registered, by number of rows.

The job is the program that AWS Batch starts, with moto's S3 and a real MLflow server as processes
of their own. What counts is the proportional set size of the job and of all that it starts.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import pyarrow as pa
import urllib3
from pyarrow.csv import WriteOptions, write_csv

from benchmarks import report
from benchmarks.memory import Watch
from benchmarks.running import free_port
from housing.jobs.status import JobStore
from housing.s3.layout import NEW_DATA, job_id
from subjects.california.sample import generate

_SIZES = [int(size) for size in os.environ.get("ROWS", "20640,200000,1000000").split(",")]
_ENGINE = os.environ.get("ENGINE", "scikit-learn")
_PROCESSES = os.environ.get("PROCESSES", "")
_BATCH_ROWS = 100_000
_BUCKET = "bench"
_UP_WITHIN_SECONDS = 300


def main() -> None:
    """Measure each size, print the table and write it down."""
    measured = []
    for rows in _SIZES:
        with TemporaryDirectory(prefix="bench-scale-") as folder:
            measured.append(_measure(rows, Path(folder)))
        print(json.dumps(measured[-1]), flush=True)
    text = _text(measured)
    print(text)
    if os.environ.get("WRITE", "1") == "1":
        report.write("scale", {"engine": _ENGINE, "jobs": measured}, text)


def write_rows(path: Path, rows: int) -> None:
    """Write generated rows, a batch at a time."""
    with path.open("wb") as file:
        for start in range(0, rows, _BATCH_ROWS):
            table = pa.Table.from_pandas(
                generate(min(_BATCH_ROWS, rows - start), seed=start // _BATCH_ROWS)
            )
            write_csv(table, file, WriteOptions(include_header=start == 0))


def _measure(rows: int, folder: Path) -> dict[str, Any]:
    upload = folder / "rows.csv"
    write_rows(upload, rows)
    with _servers(folder) as variables:
        os.environ.update(variables)
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=_BUCKET)
        key = f"{NEW_DATA}rows.csv"
        s3.upload_file(str(upload), _BUCKET, key)
        etag = s3.head_object(Bucket=_BUCKET, Key=key)["ETag"].strip('"')
        identifier = job_id(bucket=_BUCKET, key=key, version=etag)
        command = [sys.executable, "-m", "retrain.training", "--bucket", _BUCKET]
        command += ["--key", key, "--job-id", identifier]
        with (folder / "job.log").open("wb") as log:
            job = subprocess.Popen(  # noqa: S603 - our own program, no shell
                command, env={**os.environ, **variables}, stdout=log, stderr=subprocess.STDOUT
            )
            with Watch(job) as watch:
                pass
        status = JobStore(s3, _BUCKET).load(identifier)
    if not status.state.is_success:
        sys.exit(f"{status.state}: {status.reason}\n{(folder / 'job.log').read_text()[-3_000:]}")
    stages = {
        one.stage.value: {
            "seconds": one.seconds or 0.0,
            "peak_megabytes": watch.peak_between(
                one.started_at.timestamp(), one.started_at.timestamp() + (one.seconds or 0.0)
            )
            / 1e6,
        }
        for one in status.stages
    }
    ended = status.finished_at.timestamp() if status.finished_at else 0.0
    return {
        "rows": rows,
        "megabytes": upload.stat().st_size / 1e6,
        "seconds": ended - status.stages[0].started_at.timestamp(),
        "peak_megabytes": watch.peak_between(0, ended) / 1e6,
        "peak_afterwards_megabytes": watch.peak_between(ended, time.time()) / 1e6,
        "processes_megabytes": sorted(
            (size / 1e6 for size in watch.largest.values()), reverse=True
        ),
        "stages": stages,
        "sha256": status.metrics,
    }


@contextmanager
def _servers(folder: Path) -> Iterator[dict[str, str]]:
    """Run S3 and the registry; yield the job's environment."""
    s3_port, registry_port = free_port(), free_port()
    commands = {
        f"http://127.0.0.1:{s3_port}/": ["moto.server", "-H", "127.0.0.1", "-p", str(s3_port)],
        f"http://127.0.0.1:{registry_port}/health": [
            *("mlflow", "server", "--host", "127.0.0.1", "--port", str(registry_port)),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
            *("--artifacts-destination", str(folder / "artifacts"), "--serve-artifacts"),
        ],
    }
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3_port}",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{registry_port}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "HOUSING_ENGINE": _ENGINE,
        "HOUSING_TRAINING_PROCESSES": _PROCESSES,
        "TMPDIR": str(folder),
    }
    started: list[subprocess.Popen[bytes]] = []
    try:
        with (folder / "servers.log").open("wb") as log:
            started += [
                subprocess.Popen(  # noqa: S603 - programs of this environment, no shell
                    [sys.executable, "-m", *command],
                    env={**os.environ, **variables},
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
                for command in commands.values()
            ]
        for url in commands:
            _await(url)
        yield variables
    finally:
        for server in started:
            server.terminate()
            server.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + _UP_WITHIN_SECONDS
    while True:
        try:
            urllib3.request("GET", url, retries=False, timeout=2)
        except urllib3.exceptions.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _text(measured: list[dict[str, Any]]) -> str:
    names = list(measured[0]["stages"])
    rows = [
        [f"{one['rows']:,}", f"{one['seconds']:.0f}", f"{one['peak_megabytes']:,.0f}"]
        + [_of_stage(one["stages"].get(name)) for name in names]
        for one in measured
    ]
    return report.table(["rows", "s", "peak, MB", *(f"{name}, s / MB" for name in names)], rows)


def _of_stage(stage: dict[str, float] | None) -> str:
    return f"{stage['seconds']:.1f} / {stage['peak_megabytes']:,.0f}" if stage else ""


if __name__ == "__main__":
    main()
