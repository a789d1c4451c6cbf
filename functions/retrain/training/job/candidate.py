"""Train a candidate on a snapshot: fit, export, evaluate, register."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from matplotlib.figure import Figure

from housing.jobs.status import Stage
from housing.registry.port import ModelVersion
from housing.s3.lease import Lease
from retrain.training.dataset.rows import Rows
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.dataset.split import Split
from retrain.training.gate.slices import slices
from retrain.training.graph.export import export
from retrain.training.graph.parity import check_parity, check_trees
from retrain.training.job.context import JobContext
from retrain.training.job.progress import JobProgress
from retrain.training.model.evaluation import Predictions, baseline_rmse, evaluate, score
from retrain.training.model.fit import FIT_STEPS, Fitted, fit, learning_curve
from retrain.training.model.spatial import spatial_rmse
from retrain.training.settings import TrainingSettings
from retrain.training.tracking.figures import drift_figure, figures
from retrain.training.tracking.model_card import drift_section, model_card
from retrain.training.tracking.port import Candidate

EnterStage = Callable[[Stage, str], AbstractContextManager[None]]
Say = Callable[[str], None]
STEPS = FIT_STEPS + 4
"""Number of progress messages of ``train_model``, stages included."""


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A verified ONNX model with its metrics, card and figures."""

    model: bytes
    metrics: Mapping[str, float]
    card: str
    figures: Mapping[str, Figure]
    trees: str | None = None
    """The library of trees that was compared with ONNX Runtime."""


def train_model(
    snapshot: Snapshot, rows: Split, settings: TrainingSettings, stage: EnterStage, say: Say
) -> TrainedModel:
    """Fit a model, verify its graph and evaluate it.

    Args:
        snapshot: All rows.
        rows: The same rows, split into fitting and held-out ones.
        settings: Settings of the job.
        stage: Context manager that is entered for each stage.
        say: Called with a progress message within a stage.

    Raises:
        TooFewRowsError: There are too few rows for an interval.
        ParityError: The graph does not match the fitted model.
        TreeParityError: The tree library and ONNX Runtime differ on it.
    """
    recipe = settings.recipe()
    with stage(Stage.FIT, f"fitting on {len(rows.fitting):,} rows"):
        fitted = fit(rows.fitting, recipe, say)
    with stage(Stage.EXPORT, "writing the model as one ONNX graph and checking it"):
        model = export(fitted)
        parity = check_parity(
            model,
            fitted,
            Rows.of(snapshot.rows).features,
            worst=settings.parity_worst,
            p99=settings.parity_p99,
        )
        trees = check_trees(model, Rows.of(snapshot.rows).features)
    with stage(Stage.EVALUATE, f"judging on {len(rows.holdout):,} held-out rows"):
        predictions = score(model, rows.holdout.features)
        metrics = evaluate(predictions, rows.holdout.prices)
        metrics["baseline_rmse"] = baseline_rmse(rows.fitting, rows.holdout)
        metrics |= {"parity_worst": parity.worst, "parity_p99": parity.p99}
        say("judging in regions that are left out")
        metrics["spatial_rmse"] = spatial_rmse(rows.fitting, recipe)
        described = _described(model, snapshot, rows, metrics, predictions, fitted)
        return replace(described, trees=trees)


def _described(  # noqa: PLR0913, PLR0917 - everything the card and the figures show
    model: bytes,
    snapshot: Snapshot,
    rows: Split,
    metrics: Mapping[str, float],
    predictions: Predictions,
    fitted: Fitted,
) -> TrainedModel:
    held = rows.holdout
    curves = {
        "fitted rows": learning_curve(fitted, rows.fitting),
        "held-out rows": learning_curve(fitted, held),
    }
    card = model_card(snapshot, metrics, slices(predictions, held), rows)
    drawn = figures(predictions, held, curves)
    return TrainedModel(model, metrics, card, drawn)


def train_version(
    snapshot: Snapshot, rows: Split, context: JobContext, progress: JobProgress, lease: Lease
) -> ModelVersion:
    """Train a model and register it.

    Raises:
        TooFewRowsError: There are too few rows; nothing is registered.
        ParityError: The graph does not match the fitted model; nothing is registered.
        TrackingError: The version could not be registered.
    """
    made = train_model(snapshot, rows, context.settings, progress.stage, progress.say)
    progress.status.metrics = dict(made.metrics)
    drift = progress.status.drift
    card, drawn = made.card, dict(made.figures)
    if drift:
        card += drift_section(drift)
        if drift.columns:
            drawn["drift.png"] = drift_figure(drift, psi_limit=context.settings.drift_psi_limit)
    with progress.stage(Stage.REGISTER, "registering the new version"):
        lease.check()
        candidate = Candidate(
            job_id=progress.status.job_id,
            model=made.model,
            sha256=hashlib.sha256(made.model).hexdigest(),
            snapshot=snapshot,
            recipe=context.settings.recipe(),
            metrics=made.metrics,
            card=card,
            figures=drawn,
            drift=drift,
            trees=made.trees,
        )
        return context.tracker.register(candidate)
