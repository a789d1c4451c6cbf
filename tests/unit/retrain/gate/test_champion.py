"""The champion at the gate: its own predictions, or those of a fair stand-in."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fakes.registry import FakeModelRegistry
from fakes.tables import as_csv, housing_table
from housing.jobs.results import Verdict
from housing.jobs.status import JobStore, State
from housing.registry.port import PRODUCTION
from housing.s3.layout import HOLDOUT_KEY, LINEAGE_SNAPSHOTS, LINEAGE_UPLOADS
from housing.tree_library import LIBRARY, rows_answered
from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.snapshot import snapshot_of
from retrain.training.errors import TooFewRowsError
from retrain.training.gate.champion import are_fair, champion_of
from retrain.training.job.context import JobContext
from retrain.training.job.job import run
from retrain.training.model.evaluation import Predictions, score
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
def verdict_on_more(
    context: JobContext, put_upload: PutUpload, jobs: JobStore
) -> Callable[[], Verdict]:
    """Run the job of a second upload and return the gate's verdict."""

    def judged() -> Verdict:
        upload = put_upload(as_csv(MORE), name="more.csv")
        assert run(upload, context) == State.SUCCEEDED
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
    assert "version 1 was judged by another split, and was refitted" in verdict.reason
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
    def too_few(*_: object, **__: object) -> None:
        msg = "12 rows are too few for 90% intervals"
        raise TooFewRowsError(msg)

    forget(HOLDOUT_KEY)
    monkeypatch.setattr("retrain.training.gate.champion.fit", too_few)

    verdict = verdict_on_more()

    assert not verdict.promote
    assert verdict.reason.startswith("it cannot be compared fairly with version 1: ")
    assert registry.version_by_alias(PRODUCTION).version == "1"


def test_rows_that_the_champion_was_fitted_on_do_not_judge(
    context: JobContext, trained: Upload
) -> None:
    """A champion of all rows, under another key: a fifth of the rows were held out from it, too."""
    dataset, key = context.dataset, HoldoutKey(b"another", 0.2)
    records = dataset.uploads()
    snapshot, _ = snapshot_of(dataset.load(records), key)
    champion = champion_of(context.registry, dataset, records, key.id)
    assert champion is not None
    other = replace(champion, uploads=frozenset({trained.job_id, "gone"}))

    fair = are_fair(other, snapshot, dataset, HoldoutKey(b"a third", 0.2))

    assert 0.1 < fair.mean() < 0.3
    assert are_fair(other, snapshot, dataset, key).all()
    assert are_fair(champion, snapshot, dataset, HoldoutKey(b"a third", 0.2)).all()


def test_a_champion_that_was_fitted_on_all_rows_that_judge_is_not_beaten(
    context: JobContext, put_upload: PutUpload, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(put_upload(as_csv(housing_table(400)), name="first.csv"), context) == State.SUCCEEDED

    def none_is(*given: object) -> NDArray[np.bool_]:
        return ~are_fair(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("retrain.training.job.pipeline.are_fair", none_is)
    upload = put_upload(as_csv(MORE), name="more.csv")

    assert run(upload, context) == State.SUCCEEDED

    verdict = jobs.load(upload.job_id).verdict
    assert verdict is not None
    assert not verdict.promote
    assert "it was fitted on all but 0 of the held-out rows" in verdict.reason


def test_a_champion_that_was_made_elsewhere_is_compared_by_its_own_model(
    context: JobContext, trained: Upload
) -> None:
    dataset = context.dataset
    records = dataset.uploads()
    stranger = context.registry.version_by_alias(PRODUCTION)
    assert isinstance(context.registry, FakeModelRegistry)
    context.registry.set_tag(stranger.version, "dataset_id", "")

    champion = champion_of(context.registry, dataset, records, "a key")

    assert champion is not None
    assert not champion.needs_stand_in
    assert champion.uploads == {trained.job_id}


def test_uploads_that_came_after_a_version_of_an_older_release_are_not_its_own(
    context: JobContext, trained: Upload, forget: Callable[[str], None]
) -> None:
    dataset = context.dataset
    dataset.add(
        MORE.to_numpy(),
        source="upload",
        job_id="later",
        uploaded_at=datetime.now(UTC) + timedelta(hours=1),
    )
    forget(LINEAGE_SNAPSHOTS)

    champion = champion_of(context.registry, dataset, dataset.uploads(), "a key")

    assert champion is not None
    assert champion.needs_stand_in
    assert champion.uploads == {trained.job_id}


def test_nothing_is_the_champion_before_the_first_promotion(context: JobContext) -> None:
    assert champion_of(context.registry, context.dataset, [], "a key") is None


@pytest.mark.usefixtures("trained")
def test_rows_that_are_predicted_again_are_predicted_once(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    champion = champion_of(context.registry, context.dataset, context.dataset.uploads(), "key")
    assert champion is not None
    counts: list[int] = []

    def counted(model: bytes, features: Any, *, proof: str | None) -> Predictions:
        counts.append(len(features))
        return score(model, features, proof=proof)

    monkeypatch.setattr("retrain.training.gate.champion.score", counted)
    rows = housing_table(30, seed=9).to_numpy()[:, :8].astype("float32")

    first, again, others = (champion.predict(one) for one in (rows, rows.copy(), rows[:20]))

    assert counts == [30, 20]
    assert again.price.tolist() == first.price.tolist()
    assert others.price.tolist() == pytest.approx(first.price[:20].tolist(), abs=1e-6)


@pytest.mark.skipif(not LIBRARY.exists(), reason="the library of trees is not built: make trees")
@pytest.mark.usefixtures("trained")
def test_a_champion_answers_by_the_trees_that_its_own_job_compared(context: JobContext) -> None:
    champion = champion_of(context.registry, context.dataset, context.dataset.uploads(), "key")
    assert champion is not None
    assert champion.model is not None
    rows = housing_table(40, seed=11).to_numpy()[:, :8].astype("float32")
    answered = rows_answered()
    before = answered()

    predictions = champion.predict(rows)

    by_library = answered()
    assert by_library > before
    expected = score(champion.model, rows)
    assert predictions.price.tobytes() == expected.price.tobytes()
    assert predictions.upper.tobytes() == expected.upper.tobytes()
    replace(champion, note="refitted, which nothing compared").predict(rows)
    assert answered() == by_library
