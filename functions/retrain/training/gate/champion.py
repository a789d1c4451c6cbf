"""The champion before the gate: the version in production, and its prices on the held-out rows.

A champion may have been judged by another split than today's, of an older release or another key.
It was fitted then on rows that judge now, and its lead on them would be memory. It is refitted for
the comparison: today's recipe, on the rows of its own snapshot that today's split fits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from housing.errors import ArtifactDigestError, ArtifactError
from housing.jobs.uploads import UploadRecord
from housing.registry.live_model import holder_of
from housing.registry.model_file import download_model
from housing.registry.port import PRODUCTION, ModelRegistry, ModelVersion, Tag
from retrain.training.dataset.dataset import Dataset
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.snapshot import Snapshot, near, snapshot_of
from retrain.training.errors import ModelLoadError, TrackingError
from retrain.training.model.fit import fit
from retrain.training.model.recipe import Recipe
from retrain.training.model.scoring import Predictions, score


@dataclass(frozen=True, slots=True)
class Champion:
    """The version in production.

    Attributes:
        version: The version.
        model: Its ``model.onnx``; None where it does not load.
        trouble: Why it does not load.
        uploads: The jobs whose uploads it may have been fitted on.
        needs_refit: Whether it was made by the pipeline, under another split than today's.
    """

    version: ModelVersion
    model: bytes | None
    trouble: str
    uploads: frozenset[str]
    needs_refit: bool

    def predict(self, features: NDArray[np.float32]) -> Predictions:
        """Price rows, ``[n, 8]``.

        Raises:
            ModelLoadError: It does not load.
        """
        if self.model is None:
            raise ModelLoadError(self.trouble)
        return score(self.model, features)


@dataclass(frozen=True, slots=True)
class ChampionPrices:
    """The champion's prices on the rows that judge.

    Attributes:
        prices: Of each row, ``[n]``, in $100,000.
        is_fair: Whether neither the champion was fitted on it nor on a near copy, ``[n]``.
        note: How they came about, where that is not the version's own model.
    """

    prices: Values
    is_fair: NDArray[np.bool_]
    note: str = ""


def champion_of(
    registry: ModelRegistry, dataset: Dataset, records: Sequence[UploadRecord], key_id: str
) -> Champion | None:
    """Return the version in production, or None where there is none.

    Args:
        registry: Knows what is in production.
        dataset: Knows what the version was made of.
        records: The uploads that there are.
        key_id: Names today's split.
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
        return Champion(version, model, trouble, frozenset(made_of.uploads), needs_refit=is_other)
    # Of a release that kept no record, or made elsewhere; it saw no upload that came later.
    uploads = frozenset(one.job_id for one in records if one.uploaded_at <= version.created_at)
    return Champion(version, model, trouble, uploads, needs_refit=bool(dataset_id))


def champion_prices(  # noqa: PLR0913 - the champion, the rows, and what a refit takes
    champion: Champion,
    snapshot: Snapshot,
    *,
    dataset: Dataset,
    key: HoldoutKey,
    recipe: Recipe,
    say: Callable[[str], None],
) -> ChampionPrices:
    """Price the rows that judge as the champion does.

    Raises:
        ModelLoadError: It does not load.
        TooFewRowsError: It was judged by another split, and has too few rows to be refitted.
    """
    judging = snapshot.rows[snapshot.judges]
    features = Rows.of(judging).features
    if not champion.needs_refit and _is_beginning(champion, snapshot):
        is_fair = np.ones(len(judging), dtype=bool)
        return ChampionPrices(champion.predict(features).price, is_fair)
    own = [one for one in dataset.uploads() if one.job_id in champion.uploads]
    seen, _ = snapshot_of(dataset.load(own), key)
    is_fair = ~near(judging, seen.rows[~seen.is_held_out])
    if not champion.needs_refit:
        return ChampionPrices(champion.predict(features).price, is_fair)
    champion.predict(features[:1])  # whether it loads
    fitting = Rows.of(seen.rows[~seen.is_held_out])
    number = champion.version.version
    say(f"refitting version {number}, which was judged by another split, on {len(fitting):,} rows")
    prices = fit(fitting, recipe).predict(Rows.of(judging))
    note = (
        f"version {number} was judged by another split, and so was refitted on its own rows "
        "without those that judge now"
    )
    return ChampionPrices(prices, is_fair, note)


def download_registered(registry: ModelRegistry, version: ModelVersion) -> bytes:
    """Return a version's model as the registry serves it.

    Raises:
        TrackingError: It is not what was registered.
    """
    if version.sha256 is None:
        msg = f"version {version.version} has no tag {Tag.SHA256}"
        raise TrackingError(msg)
    try:
        return download_model(registry, version)
    except ArtifactDigestError as exc:
        raise TrackingError(str(exc)) from exc


def _is_beginning(champion: Champion, snapshot: Snapshot) -> bool:
    """Whether the champion's uploads are the first ones: then its sides are the snapshot's."""
    return frozenset(snapshot.uploads[: len(champion.uploads)]) == champion.uploads
