"""Fifty uploads at once, events that come again or never, jobs that are killed at any moment.

S3 and MLflow are the stack's, behind a proxy that breaks an exchange now and then; the function's
entry and the jobs are real, and run by this test.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fakes.alerts import FakeAlerts
from fakes.faulty_proxy import FaultyProxy
from fakes.http_server import http_server
from fakes.random_faults import RandomFaults
from fakes.tables import as_csv, housing_table
from fakes.uploads import FIRST_UPLOAD
from housing.errors import HousingError
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStore, State
from housing.registry.alias_repair import repair
from housing.registry.ledger import Ledger
from housing.registry.live_model import LOCK, LiveModel
from housing.registry.mlflow import MlflowModelRegistry
from housing.registry.port import PRODUCTION, Tag
from housing.s3.documents import Documents
from housing.s3.layout import NEW_DATA
from integration.running_stack import RunningStack
from retrain import composition
from retrain.composition import Service
from retrain.handler import entry_of
from retrain.sweep.sweeper import Sweeper
from retrain.training.dataset.dataset import Dataset
from retrain.training.dataset.holdout_key import holdout_key
from retrain.training.dataset.rows import Values, distinct
from retrain.training.dataset.snapshot import snapshot_of
from retrain.training.job.job import LEASE
from servers.forked_jobs import ForkedJobLauncher

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

SEED = 20261125
FILES, ROWS, SHARED, UPLOADERS = 50, 40, 10, 8
FIRST_ROWS = 300
"""In the data set before: less is not trained on."""
BAD_FILES = (7, 31)
KILLS = 12
AT_ONCE = 8
LONGEST_PAUSE_SECONDS = 4
ENDS_WITHIN_SECONDS = 330
FAULTS_SHARE, FAULTS_PAUSE_SECONDS = 0.03, 0.1
FEWEST_FAULTS = 50
PATIENCE_SECONDS = 1.5
"""Function and jobs wait no longer for an answer: the fault of a late one is to take its time."""
RETRIES = 2
"""Of Lambda, where the function fails."""
BUCKET, MODEL = "chaos", "chaos"
Entry = Callable[[dict[str, Any], Any], dict[str, Any]]
CONTEXT: Any = SimpleNamespace(
    function_name="retrain",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:retrain",
    aws_request_id="chaos",
    get_remaining_time_in_millis=lambda: 30_000,
)
# Dead sooner, and never given up: this test kills more than any night does.
RULES = RestartRules(
    dead_after=timedelta(seconds=8), upload_grace=timedelta(seconds=5), most_launches=100
)
QUICK = {
    "HOUSING_ITERATIONS": "20",
    "HOUSING_MAX_LEAVES": "8",
    "HOUSING_MODELS": "1",
    "HOUSING_NEIGHBOUR_FOLDS": "2",
    "HOUSING_MIN_ROWS": "100",
    "HOUSING_MAX_BAD_ROWS_SHARE": "0.1",
    "HOUSING_TRAINING_PROCESSES": "1",  # another imports for longer than it would fit
    "HOUSING_LEASE_SECONDS": "8",
    "HOUSING_HEARTBEAT_SECONDS": "1.5",
    "HOUSING_LEASE_WAIT_SECONDS": "600",
    # Who is better is not what this is about: whatever is newest goes live.
    "HOUSING_PROMOTION_MARGIN": "100",
    "HOUSING_SLICE_LIMIT": "100",
    "OMP_NUM_THREADS": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
}


@dataclass
class Chaos:
    """The parts that the test works with."""

    s3: "S3Client"
    jobs: JobStore
    launcher: ForkedJobLauncher
    registry: MlflowModelRegistry
    service: Service
    proxy: FaultyProxy

    @property
    def live(self) -> LiveModel:
        return LiveModel(self.registry, Ledger(self.s3, BUCKET), self.s3, BUCKET)


@pytest.fixture
def chaos(stack: RunningStack, tmp_path: Path) -> Iterator[Chaos]:
    s3, uri = stack.s3, stack.env["MLFLOW_TRACKING_URI"]
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    Dataset(s3, BUCKET).add(first_rows(), source="test", job_id="before", uploaded_at=FIRST_UPLOAD)
    proxy = FaultyProxy(aws=stack.env["AWS_ENDPOINT_URL"], registry=uri)
    with http_server(proxy.answer, keeps_alive=True) as url:
        own = {name: text for name, text in stack.env.items() if name.startswith("AWS_")}
        proxied = {"AWS_ENDPOINT_URL": url, "MLFLOW_TRACKING_URI": url, "HOME": str(tmp_path)}
        environment = {**own, **QUICK, **proxied, "HOUSING_MODEL_NAME": MODEL}
        launcher = ForkedJobLauncher(
            environment, tmp_path, at_once=AT_ONCE, patience_seconds=PATIENCE_SECONDS
        )
        service = function(own, url, launcher)
        chosen = RandomFaults(SEED, share=FAULTS_SHARE, pause_seconds=FAULTS_PAUSE_SECONDS)
        proxy.restart(chosen)
        try:
            registry = MlflowModelRegistry(uri, MODEL)
            yield Chaos(s3, JobStore(s3, BUCKET), launcher, registry, service, proxy)
        finally:
            launcher.end()


def function(own: Mapping[str, str], url: str, launcher: ForkedJobLauncher) -> Service:
    """Return the parts of the retrain function behind the proxy."""
    impatient = Config(connect_timeout=PATIENCE_SECONDS, read_timeout=PATIENCE_SECONDS)
    s3: S3Client = boto3.client(
        "s3",
        region_name=own["AWS_DEFAULT_REGION"],
        endpoint_url=url,
        aws_access_key_id=own["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=own["AWS_SECRET_ACCESS_KEY"],
        config=composition._BOUNDED.merge(impatient),
    )
    jobs = JobStore(s3, BUCKET)
    return Service(
        model_name=MODEL,
        jobs=jobs,
        launcher=launcher,
        rules=RULES,
        sweeper=Sweeper(s3, BUCKET, jobs, launcher, rules=RULES),
        alerts=FakeAlerts(),
        logger=Logger(service="chaos"),
        metrics=EphemeralMetrics(namespace="chaos", service="chaos"),
    )


def invoke(entry: Entry, event: dict[str, Any]) -> None:
    """Call the function, and again where it fails, as Lambda does."""
    for _ in range(RETRIES):
        with suppress(HousingError, BotoCoreError, ClientError):
            entry(event, CONTEXT)
            return
    entry(event, CONTEXT)


def files() -> list[bytes]:
    """Return the uploads: they share rows with their neighbours, some hold a bad one, two none."""
    table = housing_table(FILES * (ROWS - SHARED) + SHARED, seed=SEED)
    uploads = []
    for number in range(FILES):
        start = number * (ROWS - SHARED)
        content = as_csv(table[start : start + ROWS])
        if number % 5 == 0:
            content += b"not,a,row,of,numbers,but,nine,fields,x\n"
        uploads.append(b"MedInc,HouseAge\n1,2\n" if number in BAD_FILES else content)
    return uploads


def first_rows() -> Values:
    return housing_table(FIRST_ROWS, seed=SEED + 1).to_numpy()


def good_rows() -> Values:
    """Return every row that the data set must hold, once each."""
    table = housing_table(FILES * (ROWS - SHARED) + SHARED, seed=SEED).to_numpy()
    starts = [number * (ROWS - SHARED) for number in range(FILES) if number not in BAD_FILES]
    uploaded = [table[start : start + ROWS] for start in starts]
    return distinct(np.concatenate([first_rows(), *uploaded]))[0]


def event_of(key: str, version: str) -> dict[str, Any]:
    s3 = {"bucket": {"name": BUCKET}, "object": {"key": key, "eTag": "e", "versionId": version}}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]}


def upload_and_tell(chaos: Chaos) -> None:
    """Upload from several threads, and deliver each event up to three times in random order.

    One that is delivered never is of an upload that the sweep has to find.
    """
    entry = entry_of(chaos.service)

    def deliver(event: dict[str, Any], seconds: float) -> None:
        time.sleep(seconds)
        invoke(entry, event)

    def upload(number: int, content: bytes) -> None:
        choice = random.Random(SEED + number)
        time.sleep(choice.uniform(0, LONGEST_PAUSE_SECONDS))
        key = f"{NEW_DATA}part-{number:02d}.csv"
        answer = chaos.s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        event = event_of(key, answer["VersionId"])
        for _ in range(choice.randint(0, 3)):
            seconds = choice.uniform(0, LONGEST_PAUSE_SECONDS)
            delivered.append(messenger.submit(deliver, event, seconds))

    delivered: list[Future[None]] = []
    with ThreadPoolExecutor(UPLOADERS) as messenger, ThreadPoolExecutor(UPLOADERS) as uploader:
        uploaded = [uploader.submit(upload, *numbered) for numbered in enumerate(files())]
        for done in (*uploaded, *delivered):
            done.result()


def until_all_have_ended(chaos: Chaos, choice: random.Random) -> None:
    """Kill jobs for a while, and do what the schedule does, until every job is at its end."""
    deadline = time.monotonic() + ENDS_WITHIN_SECONDS
    next_kill = time.monotonic() + 1
    entry = entry_of(chaos.service)
    while True:
        if len(chaos.launcher.killed) < KILLS and time.monotonic() >= next_kill:
            chaos.launcher.kill_one(choice)
            next_kill = time.monotonic() + choice.uniform(0.3, 3)
        invoke(entry, {"source": "aws.events"})
        if chaos.launcher.is_idle():
            states = Counter(job.state for job in chaos.jobs.newest(2 * FILES))
            if all(state.is_final for state in states) and states.total() == FILES:
                return
        assert time.monotonic() < deadline, [
            (job.job_id, job.state, job.message) for job in chaos.jobs.newest(2 * FILES)
        ]
        time.sleep(0.5)


def test_every_upload_has_exactly_one_effect(chaos: Chaos) -> None:
    started = time.monotonic()
    with ThreadPoolExecutor(1) as telling:
        uploading = telling.submit(upload_and_tell, chaos)
        until_all_have_ended(chaos, random.Random(SEED))
        uploading.result()

    ended = chaos.jobs.newest(2 * FILES)
    assert Counter(job.state for job in ended) == {
        State.SUCCEEDED: FILES - len(BAD_FILES),
        State.REJECTED: len(BAD_FILES),
    }, [(job.state, job.reason) for job in ended if job.state == State.FAILED]

    # Every good row is in the data set once.
    dataset = Dataset(chaos.s3, BUCKET)
    secret = holdout_key(Documents(chaos.s3, BUCKET), share=0.2)
    snapshot, _ = snapshot_of(dataset.load(dataset.uploads()), secret)
    assert np.array_equal(snapshot.rows, good_rows())

    # Every run is registered at most once, and the production model was trained on all rows.
    versions = chaos.registry.versions(limit=1_000)
    runs = [(one.tags[Tag.DATASET_ID], one.tags[Tag.SETTINGS_ID]) for one in versions]
    assert len(set(runs)) == len(runs)
    production = chaos.registry.version_by_alias(PRODUCTION)
    assert production.tags[Tag.DATASET_ID] == snapshot.dataset_id

    # No lock is left, and registry, ledger and pointer agree.
    for key in (LEASE, LOCK):
        held = json.loads(chaos.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        assert datetime.fromisoformat(held["expires_at"]) <= datetime.now(UTC), held
    assert repair(chaos.live, MODEL, who="test") == []

    faults = len(chaos.proxy.injected)
    assert faults >= FEWEST_FAULTS

    launches = sum(job.launches for job in ended)
    print(  # noqa: T201 - for whoever runs it with -s
        f"{FILES} uploads, {len(chaos.launcher.killed)} jobs killed, {launches} launches, "
        f"{faults} faults in {len(chaos.proxy.calls):,} calls, {len(versions)} versions, "
        f"{len(snapshot):,} rows, {time.monotonic() - started:.0f} s"
    )
