"""From the rows of a snapshot to a registered version: fit, export, evaluate, register."""

import hashlib

import numpy as np

from housing.jobs import Stage
from housing.registry import ModelVersion
from retrain.training.dataset import Snapshot
from retrain.training.evaluate import baseline_rmse, evaluate
from retrain.training.export import export
from retrain.training.fit import Fitted, fit
from retrain.training.lease import Lease
from retrain.training.nearness import nearness_of
from retrain.training.parity import Parity, check_parity
from retrain.training.parts import Parts
from retrain.training.progress import JobProgress
from retrain.training.rows import Rows
from retrain.training.scoring import score
from retrain.training.split import Split
from retrain.training.tracking import Candidate


def make_version(
    snapshot: Snapshot, rows: Split, parts: Parts, progress: JobProgress, lease: Lease
) -> ModelVersion:
    """Fit a model, prove its graph, measure it and register it.

    Raises:
        ParityError: The graph is not what was fitted; nothing is registered.
        TrackingError: The version could not be registered.
    """
    recipe = parts.settings.recipe()
    with progress.stage(Stage.FIT, f"fitting on {len(rows.fitting):,} rows"):
        fitted = fit(rows.fitting, rows.calibration, recipe)
    with progress.stage(Stage.EXPORT, "writing the model as one ONNX graph and checking it"):
        model = export(fitted, nearness_of(rows.fitting.features))
        parity = _parity(model, fitted, snapshot, parts)
    with progress.stage(Stage.EVALUATE, f"judging on {len(rows.holdout):,} held-out rows"):
        predictions = score(model, rows.holdout.features)
        metrics = evaluate(predictions, rows.holdout.prices)
        metrics["baseline_rmse"] = baseline_rmse(rows.fitting, rows.holdout)
        metrics |= {"parity_worst": parity.worst, "parity_p99": parity.p99}
        progress.status.metrics = metrics
    with progress.stage(Stage.REGISTER, "registering the new version"):
        lease.check()
        digest = hashlib.sha256(model).hexdigest()
        job_id = progress.status.job_id
        return parts.tracker.register(Candidate(job_id, model, digest, snapshot, recipe, metrics))


def _parity(model: bytes, fitted: Fitted, snapshot: Snapshot, parts: Parts) -> Parity:
    rows = Rows.of(snapshot.rows)
    return check_parity(
        np.asarray(score(model, rows.features).price),
        fitted.predict(rows),
        worst=parts.settings.parity_worst,
        p99=parts.settings.parity_p99,
    )
