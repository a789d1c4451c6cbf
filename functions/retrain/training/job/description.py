"""Describe a version after the gate: spatial score, figures and the whole card.

No decision depends on them, and they take a third as long as the fit: a better model does not wait
for them.
"""

import logging

from housing.errors import VersionChangedError
from housing.jobs.results import Drift
from housing.registry.port import ModelVersion
from housing.schema import GEOGRAPHY
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.dataset.split import Split
from retrain.training.gate.promote import with_gate_of
from retrain.training.job.candidate import TrainedModel, card_of
from retrain.training.job.context import JobContext
from retrain.training.job.progress import JobProgress
from retrain.training.model.fit import learning_curve
from retrain.training.model.workers import TaskRunner
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.port import Description, metric_tags

_LOG = logging.getLogger(__name__)


def described(  # noqa: PLR0913 - a model, its data and the job's settings
    made: TrainedModel,
    snapshot: Snapshot,
    rows: Split,
    settings: TrainingSettings,
    workers: TaskRunner,
    *,
    drift: Drift | None = None,
) -> Description:
    """Return the description of a trained model.

    Args:
        made: The model.
        snapshot: All rows.
        rows: The same rows, split into fitting and held-out ones.
        settings: Settings of the job.
        workers: Fit for the spatial score.
        drift: Drift of the newest rows.
    """
    # Nothing else needs Matplotlib, which takes .4 s to import, and clusters.
    from retrain.training.tracking.figures import drift_figure, figures  # noqa: PLC0415

    more = {}
    if GEOGRAPHY:
        from retrain.training.model.families.spatial import spatial_rmse  # noqa: PLC0415

        more["spatial_rmse"] = spatial_rmse(rows.fitting, settings.recipe(), workers)
    curves = {
        "fitted rows": learning_curve(made.fitted, rows.fitting),
        "held-out rows": learning_curve(made.fitted, rows.holdout),
    }
    drawn = figures(made.predictions, rows.holdout, curves)
    if drift and drift.columns:
        drawn["drift.png"] = drift_figure(drift, psi_limit=settings.drift_psi_limit)
    return Description(more, card_of(made, snapshot, rows, drift, {**made.metrics, **more}), drawn)


def describe_version(  # noqa: PLR0913, PLR0917 - a version, its model, its data and its job
    version: ModelVersion,
    made: TrainedModel,
    snapshot: Snapshot,
    rows: Split,
    context: JobContext,
    progress: JobProgress,
) -> None:
    """Add the description to a version, its run and the job's status.

    The job has ended: a failure is logged, and changes nothing of its outcome.
    """
    try:
        drift = progress.status.drift
        description = described(
            made, snapshot, rows, context.settings, context.workers, drift=drift
        )
        context.tracker.describe(version, description)
        _describe(version, description, context, progress)
        progress.add_metrics(description.metrics)
    except Exception as exc:  # noqa: BLE001 - see the docstring
        facts = {"version": version.version, "error": f"{type(exc).__name__}: {exc}"}
        _LOG.warning("version_not_described", extra=facts)


def _describe(
    version: ModelVersion, description: Description, context: JobContext, progress: JobProgress
) -> None:
    """Write card and metrics to a version; the lock keeps the gate section that is there."""
    live = context.live
    with live.locked(f"training job {progress.status.job_id}"):
        registered = live.registry.version(version.version)
        if registered.identity != version.identity:
            raise VersionChangedError(version.version)
        card = with_gate_of(description.card, registered.description)
        live.registry.describe(version.version, card)
        for name, value in metric_tags(description.metrics).items():
            live.registry.set_tag(version.version, name, value)
