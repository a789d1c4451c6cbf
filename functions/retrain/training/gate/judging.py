"""Bringing champion and challenger before the gate."""

import hashlib
from dataclasses import dataclass

from housing.errors import ArtifactError
from housing.jobs.findings import Verdict
from housing.registry.live_model import holder_of
from housing.registry.port import MODEL_FILE, PRODUCTION, ModelRegistry, ModelVersion, Tag
from retrain.training.dataset.split import Split
from retrain.training.errors import ModelLoadError, TrackingError
from retrain.training.gate.gate import GateRules, judge, judge_first
from retrain.training.model.evaluation import baseline_rmse, rmse
from retrain.training.model.scoring import score


def download_registered(registry: ModelRegistry, version: ModelVersion) -> bytes:
    """Return a version's model as the registry serves it.

    Raises:
        TrackingError: It is not what was registered.
    """
    model = registry.download(version.version, MODEL_FILE)
    if hashlib.sha256(model).hexdigest() != version.tags.get(Tag.SHA256):
        msg = f"the SHA-256 of version {version.version}'s {MODEL_FILE} is not the registered one"
        raise TrackingError(msg)
    return model


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and the version that was in production when it was given, if any."""

    verdict: Verdict
    champion: str | None


def judge_version(
    registry: ModelRegistry, version: ModelVersion, model: bytes, rows: Split, rules: GateRules
) -> Judged:
    """Judge a version against the one in production on the held-out rows.

    A champion whose model does not load counts as none, and the verdict says so.
    """
    champion = holder_of(registry, PRODUCTION)
    verdict = _verdict(registry, version, model, rows, rules, champion)
    return Judged(verdict, champion.version if champion else None)


def _verdict(  # noqa: PLR0913, PLR0917 - both models, and all that judges them
    registry: ModelRegistry,
    version: ModelVersion,
    model: bytes,
    rows: Split,
    rules: GateRules,
    champion: ModelVersion | None,
) -> Verdict:
    holdout = rows.holdout
    challenger = score(model, holdout.features).price
    if champion and champion.version == version.version:
        return Verdict(
            promote=True,
            reason=f"version {version.version} is in production already",
            challenger_rmse=rmse(challenger, holdout.prices),
            holdout_rows=len(holdout),
        )
    because = "the first model"
    if champion:
        try:
            old = score(download_registered(registry, champion), holdout.features).price
            return judge(challenger, old, holdout, rules, champion_version=champion.version)
        except (ArtifactError, ModelLoadError, TrackingError) as exc:
            because = f"version {champion.version} in production does not load ({exc})"
    baseline = baseline_rmse(rows.fitting, holdout)
    return judge_first(challenger, holdout.prices, baseline=baseline, because=because)
