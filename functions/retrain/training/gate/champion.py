"""The champion: the version in production, and its predictions on the held-out rows.

A champion of an older release or another key was split differently: it was fitted on rows that are
held out now, which would favour it. A stand-in replaces it: the current recipe, fitted on the rows
of the champion's snapshot that the current split does not hold out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from housing.errors import ArtifactDigestError, ArtifactError
from housing.jobs.uploads import UploadRecord
from housing.registry.live_model import holder_of
from housing.registry.port import PRODUCTION, ModelRegistry, ModelVersion, Tag, download_model
from retrain.training.dataset.dataset import Dataset
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import Rows
from retrain.training.dataset.snapshot import Snapshot, near, snapshot_of
from retrain.training.errors import ModelLoadError, TrackingError
from retrain.training.graph.export import export
from retrain.training.model.evaluation import Predictions, score
from retrain.training.model.fit import fit
from retrain.training.model.recipe import Recipe
from retrain.training.model.workers import TaskRunner


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in production.

    Attributes:
        version: The version.
        model: Its ``model.onnx``, or the stand-in's; None if it does not load.
        trouble: Why it does not load.
        uploads: Jobs whose uploads it may have been fitted on.
        needs_stand_in: Whether the pipeline trained it under another split.
        note: How it is compared, if not by its own model.
    """

    version: ModelVersion
    model: bytes | None
    trouble: str
    uploads: frozenset[str]
    needs_stand_in: bool
    note: str = ""

    def predict(self, features: NDArray[np.float32]) -> Predictions:
        """Predict rows, ``[n, 8]``.

        Raises:
            ModelLoadError: The model does not load.
        """
        if self.model is None:
            raise ModelLoadError(self.trouble)
        content = np.ascontiguousarray(features).tobytes()
        return _score(self.model, features.shape, content, proof=self._proof)

    @property
    def _proof(self) -> str | None:
        """Identity of the tree library that was compared on the model; None of a stand-in."""
        return None if self.note else self.version.tags.get(Tag.TREES)


@lru_cache(maxsize=1)  # the new rows are measured, and then examined
def _score(
    model: bytes, shape: tuple[int, ...], features: bytes, *, proof: str | None
) -> Predictions:
    return score(model, np.frombuffer(features, np.float32).reshape(shape), proof=proof)


def champion_of(
    registry: ModelRegistry, dataset: Dataset, records: Sequence[UploadRecord], key_id: str
) -> Champion | None:
    """Return the version in production, or None without one.

    Args:
        registry: Registry of the versions.
        dataset: Data set, with a record of each snapshot.
        records: All uploads.
        key_id: Id of the current split.
    """
    version = holder_of(registry, PRODUCTION)
    if version is None:
        return None
    model, trouble = None, ""
    try:
        model = download_registered(registry, version)
    except (ArtifactError, TrackingError) as exc:
        trouble = str(exc)
    dataset_id = version.tags.get(Tag.DATASET_ID, "")
    made_of = dataset.snapshot_record(dataset_id) if dataset_id else None
    if made_of:
        is_other = made_of.key_id != key_id
        return Champion(
            version, model, trouble, frozenset(made_of.uploads), needs_stand_in=is_other
        )
    # Of a release that kept no record, or made elsewhere; it saw no upload that came later.
    uploads = frozenset(one.job_id for one in records if one.uploaded_at <= version.created_at)
    return Champion(version, model, trouble, uploads, needs_stand_in=bool(dataset_id))


def with_stand_in(  # noqa: PLR0913, PLR0917 - a champion, its data and how to refit it
    champion: Champion,
    dataset: Dataset,
    key: HoldoutKey,
    recipe: Recipe,
    report: Callable[[str], None],
    workers: TaskRunner | None = None,
) -> Champion:
    """Return the champion, with a refitted model if it needs a stand-in.

    Raises:
        TooFewRowsError: There are too few rows to refit on.
    """
    if not champion.needs_stand_in or champion.model is None:
        return champion
    own = [one for one in dataset.uploads() if one.job_id in champion.uploads]
    snapshot, _ = snapshot_of(dataset.load(own), key)
    fitting = Rows.of(snapshot.rows[~snapshot.is_held_out])
    number = champion.version.version
    report(
        f"refitting version {number}, which was judged by another split, on {len(fitting):,} rows"
    )
    model = export(fit(fitting, recipe, workers=workers))
    note = (
        f"version {number} was judged by another split, and was refitted on its own rows without "
        "the held-out ones"
    )
    return replace(champion, model=model, needs_stand_in=False, note=note)


def are_fair(
    champion: Champion, snapshot: Snapshot, dataset: Dataset, key: HoldoutKey
) -> NDArray[np.bool_]:
    """Return the mask of held-out rows on which a comparison with the champion is fair, ``[n]``.

    The champion was fitted neither on them nor on a near copy.
    """
    judging = snapshot.rows[snapshot.judges]
    if _is_beginning(champion, snapshot):
        return np.ones(len(judging), dtype=bool)
    own = [one for one in dataset.uploads() if one.job_id in champion.uploads]
    seen, _ = snapshot_of(dataset.load(own), key)
    is_fair: NDArray[np.bool_] = ~near(judging, seen.rows[~seen.is_held_out])
    return is_fair


def download_registered(registry: ModelRegistry, version: ModelVersion) -> bytes:
    """Return a version's model as the registry serves it.

    Raises:
        TrackingError: The digest is not the registered one.
    """
    if version.sha256 is None:
        msg = f"version {version.version} has no tag {Tag.SHA256}"
        raise TrackingError(msg)
    try:
        return download_model(registry, version)
    except ArtifactDigestError as exc:
        raise TrackingError(str(exc)) from exc


def _is_beginning(champion: Champion, snapshot: Snapshot) -> bool:
    """Return whether the champion's uploads are the first ones: then both have the same split."""
    return frozenset(snapshot.uploads[: len(champion.uploads)]) == champion.uploads
