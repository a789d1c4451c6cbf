"""The bucket's copy is found as the training job writes it, and every trouble is one error."""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakes.registry import FakeModelRegistry
from housing.errors import LastPromotedError
from housing.jobs.results import Verdict
from housing.registry.last_promoted import POINTER, S3LastPromotedModel
from housing.registry.ledger import Ledger
from housing.registry.live_model import LiveModel
from housing.registry.port import MODEL_FILE, Tag
from housing.s3.client import bounded_s3
from retrain.training.gate.promote import Promoter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET, NAME = "housing-test", "california-housing"
MODEL = b"a model"
GOOD = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=10)
POINTS = {"model": NAME, "version": "3", "sha256": "ab", "key": "models/3/model.onnx", "tags": {}}


@pytest.fixture
def last_promoted(s3: "S3Client") -> S3LastPromotedModel:
    return S3LastPromotedModel(BUCKET, NAME, client=lambda: s3)


def test_the_version_promoted_by_a_job_is_read(
    s3: "S3Client", last_promoted: S3LastPromotedModel
) -> None:
    digest = hashlib.sha256(MODEL).hexdigest()
    registry = FakeModelRegistry(NAME)
    version = registry.register({MODEL_FILE: MODEL}, tags={Tag.SHA256: digest, "dataset_id": "d1"})
    live = LiveModel(registry, Ledger(s3, BUCKET), s3, BUCKET)
    promoter = Promoter(live, NAME, "job 1", lambda _: None, rollbacks_seen=0)
    promoter.apply(version, GOOD, MODEL, champion=None, parts=())

    promoted = last_promoted.find()

    assert (promoted.version.name, promoted.version.version) == (NAME, version.version)
    assert promoted.version.tags[Tag.SHA256] == digest
    assert promoted.version.tags["dataset_id"] == "d1"
    assert promoted.version.tags[Tag.VERDICT] == "promoted"
    assert "## Gate" in promoted.version.description
    assert abs(promoted.version.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert promoted.download() == MODEL


def test_before_any_promotion_there_is_none(last_promoted: S3LastPromotedModel) -> None:
    with pytest.raises(LastPromotedError, match=POINTER):
        last_promoted.find()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        json.dumps({**POINTS, "key": "jobs/1.json"}).encode(),
        json.dumps({**POINTS, "tags": None}).encode(),
        json.dumps({**POINTS, "model": "another"}).encode(),
    ],
    ids=["empty", "binary", "list", "key elsewhere", "no tags", "another model"],
)
def test_a_garbled_pointer_is_an_error(
    s3: "S3Client", last_promoted: S3LastPromotedModel, body: bytes
) -> None:
    s3.put_object(Bucket=BUCKET, Key=POINTER, Body=body)

    with pytest.raises(LastPromotedError, match=POINTER):
        last_promoted.find()


def test_a_pointer_to_a_missing_file_is_an_error_at_the_download(
    s3: "S3Client", last_promoted: S3LastPromotedModel
) -> None:
    s3.put_object(Bucket=BUCKET, Key=POINTER, Body=json.dumps(POINTS).encode())
    version = last_promoted.find()

    with pytest.raises(LastPromotedError, match=r"models/3/model\.onnx"):
        version.download()


@pytest.fixture
def make_client(monkeypatch: pytest.MonkeyPatch) -> "Iterator[Callable[[], Any]]":
    """The real client, made anew from an environment without keys of a person."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    bounded_s3.cache_clear()
    yield bounded_s3
    bounded_s3.cache_clear()


def test_the_client_waits_briefly_and_asks_once(make_client: Callable[[], Any]) -> None:
    config = make_client().meta.config

    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries["total_max_attempts"] == 1
