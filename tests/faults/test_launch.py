"""An upload becomes one job, and a job that died goes on, whatever the network does to one call."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics

from fakes.jobs import job_status
from fakes.launcher import FakeJobLauncher
from fakes.network_faults import ONCE
from faults.conftest import Prove
from faults.proving import Meeting
from faults.surroundings import Surroundings
from faults.test_alerts import assert_published
from housing.alerts.alert import SnsAlerts
from housing.alerts.folded import FoldedAlerts
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStore, Stage, State
from housing.s3.layout import NEW_DATA, job_id
from retrain import composition
from retrain.composition import Service
from retrain.errors import LaunchError
from retrain.handler import entry_of
from retrain.sweep.sweeper import Sweeper

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

CONTEXT: Any = SimpleNamespace(
    function_name="retrain",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:retrain",
    aws_request_id="faults",
    get_remaining_time_in_millis=lambda: 30_000,
)
RULES = RestartRules()
LATER = timedelta(minutes=10)
"""When the first sweep comes: every job and upload of before is old then."""


@dataclass
class Function:
    """The retrain function, called by S3's events and by the schedule."""

    around: Surroundings
    launcher: FakeJobLauncher

    def invoke(self, event: dict[str, Any], *, later: timedelta = timedelta()) -> dict[str, Any]:
        """Call it through the proxy, in a process of its own."""
        config = composition._BOUNDED
        s3, sns = self.around.faulty_s3(config), self.around.faulty_sns(config)
        return self._invoke(event, s3, sns, later)

    def invoke_directly(self, event: dict[str, Any]) -> dict[str, Any]:
        """Call it where no fault meets it."""
        return self._invoke(event, self.around.s3, self.around.faulty_sns(composition._BOUNDED))

    def _invoke(
        self,
        event: dict[str, Any],
        s3: "S3Client",
        sns: "SNSClient",
        later: timedelta = timedelta(),
    ) -> dict[str, Any]:
        bucket = self.around.bucket
        jobs = JobStore(s3, bucket)
        sweeper = Sweeper(
            s3, bucket, jobs, self.launcher, rules=RULES, clock=lambda: datetime.now(UTC) + later
        )
        parts = Service(
            model_name="housing",
            jobs=jobs,
            launcher=self.launcher,
            rules=RULES,
            sweeper=sweeper,
            alerts=FoldedAlerts(SnsAlerts(sns, self.around.topic_arn), s3, bucket),
            logger=Logger(service="faults"),
            metrics=EphemeralMetrics(namespace="faults", service="faults"),
        )
        return entry_of(parts)(event, CONTEXT)


class Launch:
    """S3's event on an upload; Lambda delivers it again where the function fails."""

    may_raise: tuple[type[Exception], ...] = (Exception,)

    def __init__(self, around: Surroundings) -> None:
        self.launcher = FakeJobLauncher()
        self._around = around
        self._function = Function(around, self.launcher)
        version, self._job_id = uploaded(around, "more.csv")
        self._event = _created(around.bucket, f"{NEW_DATA}more.csv", version)

    def act(self) -> None:
        self._function.invoke(self._event)

    def check(self, _meeting: Meeting) -> None:
        again = self._function.invoke_directly(self._event)

        assert again == {"started": [], "repeated": [self._job_id]}
        assert [job.job_id for job in self.launcher.launched] == [self._job_id]
        status = JobStore(self._around.s3, self._around.bucket).load(self._job_id)
        assert (status.state, status.launches) == (State.QUEUED, 1)


class LaunchRefusedAtFirst(Launch):
    """The same, and Batch does not take the job at first."""

    def __init__(self, around: Surroundings) -> None:
        super().__init__(around)
        self.launcher.fails_with = LaunchError("too many requests")

    def act(self) -> None:
        try:
            super().act()
        except LaunchError:
            self.launcher.fails_with = None
            super().act()


class Sweep:
    """Two ticks of the schedule: a job died, another did for the last time, an event was lost."""

    may_raise: tuple[type[Exception], ...] = (Exception,)

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._launcher = FakeJobLauncher()
        self._function = Function(around, self._launcher)
        _, self._without_event = uploaded(around, "no-event.csv")
        self._jobs = JobStore(around.s3, around.bucket)
        for name, launches in (("dead", 1), ("hopeless", RULES.most_launches)):
            status = job_status(name, state=State.RUNNING, stage=Stage.FIT, launches=launches)
            assert self._jobs.create(status)

    def act(self) -> None:
        for tick in (1, 2):
            self._function.invoke({"source": "aws.events"}, later=tick * LATER)

    def check(self, meeting: Meeting) -> None:
        dead, hopeless = self._jobs.load("dead"), self._jobs.load("hopeless")
        assert (dead.state, dead.launches) == (State.QUEUED, 2)
        assert hopeless.state == State.FAILED
        launched = sorted(job.key for job in self._launcher.launched)
        assert launched == [dead.upload_key, f"{NEW_DATA}no-event.csv"]
        assert self._jobs.load(self._without_event).state == State.QUEUED
        assert_published(self._around, ["training_failed"], meeting)


def uploaded(around: Surroundings, name: str) -> tuple[str, str]:
    """Upload a file, and return its version and the id of its job."""
    bucket, key = around.bucket, f"{NEW_DATA}{name}"
    version = around.s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
    return version, job_id(bucket=bucket, key=key, version=version)


def _created(bucket: str, key: str, version: str) -> dict[str, Any]:
    s3 = {"bucket": {"name": bucket}, "object": {"key": key, "eTag": "e", "versionId": version}}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]}


@pytest.mark.parametrize("fault", ONCE)
@pytest.mark.parametrize("protocol", [Launch, LaunchRefusedAtFirst, Sweep])
def test_a_job_is_started_once(proved: Prove, protocol: Any, fault: str) -> None:
    proved(protocol, fault)
