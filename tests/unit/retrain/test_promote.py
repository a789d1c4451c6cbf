"""What the verdict does to aliases, ledger, pointer and tags."""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from housing.jobs import Verdict
from housing.last_promoted import POINTER
from housing.ledger import AliasChange, Ledger
from housing.live_model import LOCK, LiveModel, holder_of
from housing.registry import CHALLENGER, MODEL_FILE, PREVIOUS, PRODUCTION, ModelVersion, Tag
from retrain.training.promote import Promoter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
NAME = "california-housing"
MODEL = linear_model()
GOOD = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=10)
BAD = Verdict(
    promote=False, reason="worse", challenger_rmse=0.5, champion_rmse=0.4, holdout_rows=10
)
Read = Callable[[str], bytes]
Keys = Callable[[str], list[str]]


@pytest.fixture
def promoter(registry: FakeModelRegistry, s3: "S3Client") -> Promoter:
    live = LiveModel(registry, Ledger(s3, BUCKET), s3, BUCKET)
    return Promoter(live, NAME, "training job 1", lambda _: None)


def register(registry: FakeModelRegistry) -> ModelVersion:
    tags = {Tag.SHA256: hashlib.sha256(MODEL).hexdigest()}
    return registry.register({MODEL_FILE: MODEL}, tags=tags)


def apply(promoter: Promoter, version: ModelVersion, verdict: Verdict) -> None:
    """Act on a verdict against whatever is in production now."""
    champion = holder_of(promoter.live.registry, PRODUCTION)
    promoter.apply(version, verdict, MODEL, champion=champion.version if champion else None)


def carriers(registry: FakeModelRegistry) -> dict[str, str | None]:
    holders = {name: holder_of(registry, name) for name in (PRODUCTION, PREVIOUS, CHALLENGER)}
    return {name: holder.version if holder else None for name, holder in holders.items()}


@pytest.fixture
def entries(keys: Keys, read: Read) -> Callable[[], list[AliasChange]]:
    def ledger() -> list[AliasChange]:
        found = [key for key in keys("ledger/") if key.endswith(".json")]
        return [AliasChange.model_validate_json(read(key)) for key in found]

    return ledger


def test_the_first_promotion_sets_production_alone(
    promoter: Promoter, registry: FakeModelRegistry, entries: Any
) -> None:
    apply(promoter, register(registry), GOOD)

    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: None, CHALLENGER: None}
    (change,) = entries()
    assert (change.alias, change.from_version, change.to_version) == (PRODUCTION, None, "1")
    assert (change.who, change.why) == ("training job 1", "better")


def test_a_promotion_keeps_the_champion_as_previous(
    promoter: Promoter, registry: FakeModelRegistry, entries: Any
) -> None:
    apply(promoter, register(registry), GOOD)

    apply(promoter, register(registry), GOOD)

    assert carriers(registry) == {PRODUCTION: "2", PREVIOUS: "1", CHALLENGER: None}
    changes = [(change.alias, change.from_version, change.to_version) for change in entries()]
    assert changes == [(PRODUCTION, None, "1"), (PREVIOUS, None, "1"), (PRODUCTION, "1", "2")]


def test_a_rejected_version_is_the_challenger_and_production_stays(
    promoter: Promoter, registry: FakeModelRegistry, keys: Keys, entries: Any
) -> None:
    apply(promoter, register(registry), GOOD)

    apply(promoter, register(registry), BAD)

    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: None, CHALLENGER: "2"}
    assert keys("models/") == ["models/1/model.onnx", LOCK, POINTER]
    evidence = entries()[-1].evidence
    assert (evidence["challenger_rmse"], evidence["champion_rmse"]) == (0.5, 0.4)


def test_the_verdict_is_on_the_version(promoter: Promoter, registry: FakeModelRegistry) -> None:
    apply(promoter, register(registry), GOOD)
    apply(promoter, register(registry), BAD)

    tags = [registry.version(version).tags for version in ("1", "2")]
    assert [(tag[Tag.VERDICT], tag[Tag.VERDICT_REASON]) for tag in tags] == [
        ("promoted", "better"),
        ("rejected", "worse"),
    ]


def test_the_pointer_names_a_copy_that_is_the_registered_model(
    promoter: Promoter, registry: FakeModelRegistry, read: Read
) -> None:
    apply(promoter, register(registry), GOOD)

    pointer = json.loads(read(POINTER))
    assert hashlib.sha256(read(pointer["key"])).hexdigest() == pointer["sha256"]
    assert (pointer["model"], pointer["version"]) == ("california-housing", "1")
    assert pointer["tags"] == dict(registry.version("1").tags)


def test_a_promotion_that_is_repeated_changes_nothing(
    promoter: Promoter, registry: FakeModelRegistry, entries: Any
) -> None:
    apply(promoter, register(registry), GOOD)
    second = register(registry)
    apply(promoter, second, GOOD)
    before = entries()

    apply(promoter, second, GOOD)

    assert carriers(registry) == {PRODUCTION: "2", PREVIOUS: "1", CHALLENGER: None}
    assert entries() == before
