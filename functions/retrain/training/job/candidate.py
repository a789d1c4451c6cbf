"""Train a candidate on a snapshot: fit, export, evaluate, register."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from housing.jobs.results import Drift
from housing.jobs.status import Stage
from housing.registry.port import ModelVersion
from housing.s3.lease import Lease
from retrain.training.dataset.rows import Rows
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.dataset.split import Split
from retrain.training.gate.slices import slices
from retrain.training.graph.export import export
from retrain.training.graph.overview import overview
from retrain.training.graph.parity import check_parity, check_trees
from retrain.training.job.context import JobContext
from retrain.training.job.progress import JobProgress
from retrain.training.model.baseline import baseline_errors
from retrain.training.model.evaluation import Predictions, evaluate
from retrain.training.model.fit import FIT_STEPS, Fitted, fit
from retrain.training.model.workers import TaskRunner
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.model_card import drift_section, model_card
from retrain.training.tracking.port import Candidate

EnterStage = Callable[[Stage, str], AbstractContextManager[None]]
Note = Callable[[str], None]
STEPS = FIT_STEPS + 3
"""Number of progress messages of ``train_model``, stages included."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model and its verified graph.

    Attributes:
        model: The serialized graph.
        fitted: The model that it was written from.
        predictions: The graph's predictions of the held-out rows.
        metrics: Metrics on the held-out rows.
        trees: The library of trees that was compared with ONNX Runtime.
    """

    model: bytes
    fitted: Fitted
    predictions: Predictions
    metrics: Mapping[str, float]
    trees: str | None = None


def train_model(  # noqa: PLR0913, PLR0917 - rows, settings, progress and processes
    snapshot: Snapshot,
    rows: Split,
    settings: TrainingSettings,
    stage: EnterStage,
    note: Note,
    workers: TaskRunner,
) -> TrainedModel:
    """Fit a model, verify its graph and evaluate it.

    Args:
        snapshot: All rows.
        rows: The same rows, split into fitting and held-out ones.
        settings: Settings of the job.
        stage: Context manager that is entered for each stage.
        note: Called with a progress message within a stage.
        workers: Fit the independent parts.

    Raises:
        TooFewRowsError: There are too few rows for an interval.
        WorkerDiedError: A process of the workers died.
        ParityError: The graph does not match the fitted model.
        TreeParityError: The tree library and ONNX Runtime differ on it.
    """
    with stage(Stage.FIT, f"fitting on {len(rows.fitting):,} rows"):
        fitted = fit(rows.fitting, settings.recipe(), note, workers)
    with stage(Stage.EXPORT, "writing the model as one ONNX graph and checking it"):
        model = export(fitted, overview(rows.fitting))
        parity = check_parity(
            model,
            fitted,
            Rows.of(snapshot.rows).features,
            workers,
            worst=settings.parity_worst,
            p99=settings.parity_p99,
        )
        trees = check_trees(model, Rows.of(snapshot.rows).features, workers=workers)
    with stage(Stage.EVALUATE, f"evaluating on {len(rows.holdout):,} held-out rows"):
        predictions = parity.predictions.of(snapshot.judges)
        metrics = evaluate(predictions, rows.holdout.prices)
        metrics |= baseline_errors(rows.fitting, rows.holdout)
        metrics |= {"parity_worst": parity.worst, "parity_p99": parity.p99}
    return TrainedModel(model, fitted, predictions, metrics, trees)


def card_of(
    made: TrainedModel,
    snapshot: Snapshot,
    rows: Split,
    drift: Drift | None,
    metrics: Mapping[str, float],
) -> str:
    """Return the card of a model, with its metrics and the drift of the newest rows."""
    card = model_card(snapshot, metrics, slices(made.predictions, rows.holdout), rows)
    return card + drift_section(drift) if drift else card


def train_version(
    snapshot: Snapshot, rows: Split, context: JobContext, progress: JobProgress, lease: Lease
) -> tuple[ModelVersion, TrainedModel]:
    """Train a model and register it.

    Raises:
        TooFewRowsError: There are too few rows; nothing is registered.
        ParityError: The graph does not match the fitted model; nothing is registered.
        TrackingError: The version could not be registered.
    """
    context.tracker.prepare()
    made = train_model(
        snapshot, rows, context.settings, progress.stage, progress.note, context.workers
    )
    progress.status.metrics = dict(made.metrics)
    drift = progress.status.drift
    with progress.stage(Stage.REGISTER, "registering the new version"):
        lease.check()
        candidate = Candidate(
            job_id=progress.status.job_id,
            model=made.model,
            sha256=hashlib.sha256(made.model).hexdigest(),
            snapshot=snapshot,
            recipe=context.settings.recipe(),
            metrics=made.metrics,
            card=card_of(made, snapshot, rows, drift, made.metrics),
            drift=drift,
            trees=made.trees,
        )
        return context.tracker.register(candidate), made
