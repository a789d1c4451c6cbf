"""Settings and ports of a training job."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from housing.alerts.alert import AlertSink
from housing.jobs.status import JobStore
from housing.registry.ledger import Ledger
from housing.registry.live_model import LiveModel
from housing.registry.port import ModelRegistry
from retrain.training.dataset.dataset import Dataset
from retrain.training.gate.shadow_report import ShadowReport
from retrain.training.model.workers import InThisProcess, TaskRunner
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.port import RunTracker

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True, slots=True)
class JobContext:
    """Settings and adapters that a job uses."""

    settings: TrainingSettings
    s3: "S3Client"
    registry: ModelRegistry
    tracker: RunTracker
    alerts: AlertSink
    shadow_report: ShadowReport | None = None
    workers: TaskRunner = field(default_factory=InThisProcess)

    @property
    def jobs(self) -> JobStore:
        """The job store."""
        return JobStore(self.s3, self.settings.bucket)

    @property
    def dataset(self) -> Dataset:
        """The data set."""
        return Dataset(self.s3, self.settings.bucket)

    @property
    def live(self) -> LiveModel:
        """The aliases and the rules for moving them."""
        return LiveModel(self.registry, self.ledger, self.s3, self.settings.bucket)

    @property
    def ledger(self) -> Ledger:
        """The ledger of alias changes."""
        return Ledger(self.s3, self.settings.bucket)
