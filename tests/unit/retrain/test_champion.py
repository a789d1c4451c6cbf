"""The champion before the gate: its own prices, or those of a fair stand-in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from fakes.registry import FakeModelRegistry
from fakes.tables import as_csv, housing_table
from housing.jobs.findings import Verdict
from housing.jobs.status import JobStore, State
from housing.registry.port import PRODUCTION
from housing.s3.layout import HOLDOUT_KEY, LINEAGE_SNAPSHOTS, LINEAGE_UPLOADS
from retrain.training.dataset.dataset import Dataset
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.snapshot import Snapshot, near, snapshot_of
from retrain.training.gate.champion import Champion, ChampionPrices, champion_of, champion_prices
from retrain.training.job.context import Parts
from retrain.training.job.job import run
from retrain.training.upload.ingest import Upload

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PutUpload = Callable[..., Upload]
BUCKET = "housing-test"
MORE = housing_table(300, seed=1)


@pytest.fixture
def forget(s3: "S3Client") -> Callable[[str], None]:
    """Delete all objects under a prefix, as if an older release had never written them."""

    def deleted(prefix: str) -> None:
        for entry in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
            s3.delete_object(Bucket=BUCKET, Key=entry["Key"])

    return deleted


@pytest.fixture
def verdict_on_more(parts: Parts, put_upload: PutUpload, jobs: JobStore) -> Callable[[], Verdict]:
    """Run the job of a second upload and return the gate's verdict."""

    def judged() -> Verdict:
        upload = put_upload(as_csv(MORE), name="more.csv")
        assert run(upload, parts) == State.SUCCEEDED
        verdict = jobs.load(upload.job_id).verdict
        assert verdict is not None
        return verdict

    return judged


@pytest.mark.usefixtures("trained")
def test_a_champion_of_this_split_is_compared_by_its_own_model(
    verdict_on_more: Callable[[], Verdict],
) -> None:
    verdict = verdict_on_more()

    assert verdict.champion_version == "1"
    assert "refitted" not in verdict.reason


@pytest.mark.usefixtures("trained")
def test_a_champion_of_a_release_that_kept_no_record_is_refitted(
    verdict_on_more: Callable[[], Verdict], forget: Callable[[str], None]
) -> None:
    forget(LINEAGE_UPLOADS)
    forget(LINEAGE_SNAPSHOTS)

    verdict = verdict_on_more()

    assert verdict.champion_version == "1"
    assert "version 1 was judged by another split, and so was refitted" in verdict.reason
    assert verdict.champion_rmse is not None


@pytest.mark.usefixtures("trained")
def test_a_champion_of_a_key_that_was_lost_is_refitted(
    verdict_on_more: Callable[[], Verdict], forget: Callable[[str], None]
) -> None:
    forget(HOLDOUT_KEY)

    assert "refitted" in verdict_on_more().reason


@pytest.mark.usefixtures("trained")
def test_a_champion_that_has_too_few_rows_to_be_refitted_is_not_beaten(
    verdict_on_more: Callable[[], Verdict],
    forget: Callable[[str], None],
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forget(HOLDOUT_KEY)
    monkeypatch.setattr("retrain.training.gate.champion.snapshot_of", _of_few_rows)

    verdict = verdict_on_more()

    assert not verdict.promote
    assert verdict.reason.startswith("it cannot be compared fairly with version 1: ")
    assert registry.version_by_alias(PRODUCTION).version == "1"


def test_rows_that_the_champion_was_fitted_on_do_not_judge(parts: Parts, trained: Upload) -> None:
    """Without the upload that came first, a near copy of its row takes a side of its own."""
    dataset, key = parts.dataset, HoldoutKey(b"another", 0.2)
    snapshot, _ = snapshot_of(dataset.load(dataset.uploads()), key)
    champion = _champion(parts, dataset, uploads={trained.job_id, "gone"})

    priced = _priced(champion, snapshot, dataset, key, parts)

    fitted = snapshot.rows[~snapshot.is_held_out]
    assert priced.is_fair.tolist() == (~near(snapshot.rows[snapshot.judges], fitted)).tolist()
    assert priced.is_fair.all()


def test_a_champion_that_was_made_elsewhere_is_compared_by_its_own_model(
    parts: Parts, trained: Upload
) -> None:
    dataset = parts.dataset
    records = dataset.uploads()
    stranger = parts.registry.version_by_alias(PRODUCTION)
    assert isinstance(parts.registry, FakeModelRegistry)
    parts.registry.set_tag(stranger.version, "dataset_id", "")

    champion = champion_of(parts.registry, dataset, records, "a key")

    assert champion is not None
    assert not champion.needs_refit
    assert champion.uploads == {trained.job_id}


def test_uploads_that_came_after_a_version_of_an_older_release_are_not_its_own(
    parts: Parts, trained: Upload, forget: Callable[[str], None]
) -> None:
    dataset = parts.dataset
    dataset.add(
        MORE.to_numpy(),
        source="upload",
        job_id="later",
        uploaded_at=datetime.now(UTC) + timedelta(hours=1),
    )
    forget(LINEAGE_SNAPSHOTS)

    champion = champion_of(parts.registry, dataset, dataset.uploads(), "a key")

    assert champion is not None
    assert champion.needs_refit
    assert champion.uploads == {trained.job_id}


def test_nothing_is_the_champion_before_the_first_promotion(parts: Parts) -> None:
    assert champion_of(parts.registry, parts.dataset, [], "a key") is None


def _champion(parts: Parts, dataset: Dataset, *, uploads: set[str]) -> Champion:
    champion = champion_of(parts.registry, dataset, dataset.uploads(), "a key")
    assert champion is not None
    return Champion(champion.version, champion.model, "", frozenset(uploads), needs_refit=False)


def _priced(
    champion: Champion, snapshot: Snapshot, dataset: Dataset, key: HoldoutKey, parts: Parts
) -> ChampionPrices:
    return champion_prices(
        champion,
        snapshot,
        dataset=dataset,
        key=key,
        recipe=parts.settings.recipe(),
        say=lambda _: None,
    )


def _of_few_rows(*given: object) -> tuple[Snapshot, dict[str, object]]:
    snapshot, arrivals = snapshot_of(*given)  # type: ignore[arg-type]
    few = np.arange(len(snapshot)) < 12
    return (
        Snapshot(
            snapshot.rows[few],
            snapshot.is_held_out[few],
            snapshot.has_fitted_copy[few],
            snapshot.first_upload[few],
            snapshot.standing_upload[few],
            snapshot.uploads,
            snapshot.dataset_id,
            snapshot.data_source,
            snapshot.key_id,
        ),
        dict(arrivals),
    )
