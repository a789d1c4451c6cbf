"""Port: record a run and register its model."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from housing.jobs.results import Drift
from housing.registry.port import ModelRegistry, ModelVersion, Tag
from housing.schema import SCHEMA_VERSION
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.model.recipe import Recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model to register, with its origin and metrics."""

    job_id: str
    model: bytes
    sha256: str
    snapshot: Snapshot
    recipe: Recipe
    metrics: Mapping[str, float]
    card: str
    drift: Drift | None = None
    trees: str | None = None

    def run_metrics(self) -> dict[str, float]:
        """Return the metrics of the run: the model's, and the drift of its newest rows."""
        columns = self.drift.columns if self.drift else []
        psi = {f"drift.psi.{column.name}": column.psi for column in columns}
        ks = {f"drift.ks.{column.name}": column.ks for column in columns}
        return {**self.metrics, **psi, **ks}

    def tags(self) -> dict[str, str]:
        """Return the tags of the version."""
        return {
            Tag.SHA256: self.sha256,
            Tag.DATASET_ID: self.snapshot.dataset_id,
            Tag.DATA_SOURCE: self.snapshot.data_source,
            Tag.SCHEMA_VERSION: SCHEMA_VERSION,
            Tag.SETTINGS_ID: self.recipe.settings_id,
            Tag.JOB_ID: self.job_id,
            **({Tag.TREES: self.trees} if self.trees else {}),
            **metric_tags(self.metrics),
        }


@dataclass(frozen=True, slots=True)
class Description:
    """Description of a registered version that no decision depends on.

    Attributes:
        metrics: Metrics that the version does not have yet.
        card: The card with all metrics, without the gate's section.
        figures: Figures by file name.
    """

    metrics: Mapping[str, float]
    card: str
    figures: "Mapping[str, Figure]"


def metric_tags(metrics: Mapping[str, float]) -> dict[str, str]:
    """Return the tags of metrics."""
    return {f"{Tag.METRIC_PREFIX}{name}": f"{value:.6g}" for name, value in metrics.items()}


class RunTracker(Protocol):
    """Records a run's parameters, metrics and data set, and registers its model."""

    def prepare(self) -> None:
        """Get ready to register, in the background."""
        ...

    def register(self, candidate: Candidate) -> ModelVersion:
        """Write the run, and register its model as a new version with the candidate's tags.

        Raises:
            TrackingError: The server rejected it.
        """
        ...

    def describe(self, version: ModelVersion, description: Description) -> None:
        """Add metrics, card and figures to the run of a version.

        Raises:
            TrackingError: The server rejected them.
        """
        ...


def find_trained(
    registry: ModelRegistry, *, dataset_id: str, settings_id: str
) -> ModelVersion | None:
    """Return the newest version that was trained on exactly these rows with these settings."""
    wanted = {Tag.DATASET_ID: dataset_id, Tag.SETTINGS_ID: settings_id}
    return next(iter(registry.versions(limit=1, tags=wanted)), None)
