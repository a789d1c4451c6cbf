"""Registry, ledger and pointer agree again after whatever came between them."""

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from housing.errors import VersionChangedError
from housing.registry.alias_repair import FOREIGN, Repair, repair
from housing.registry.last_promoted import POINTER
from housing.registry.ledger import AliasChange, Ledger
from housing.registry.live_model import LiveModel, Reason, holder_of
from housing.registry.port import MODEL_FILE, PREVIOUS, PRODUCTION, ModelVersion, Tag

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
NAME = "california-housing"
MODEL = linear_model()
JOB = Reason("training job 1", "better", {})


class DiedError(Exception):
    """Stands for the process's end."""


@pytest.fixture
def registry() -> FakeModelRegistry:
    return FakeModelRegistry(NAME)


@pytest.fixture
def live(registry: FakeModelRegistry, s3: "S3Client") -> LiveModel:
    return LiveModel(registry, Ledger(s3, BUCKET), s3, BUCKET)


def register(registry: FakeModelRegistry, model: bytes = MODEL) -> ModelVersion:
    return registry.register(
        {MODEL_FILE: model}, tags={Tag.SHA256: hashlib.sha256(model).hexdigest()}
    )


def promote(live: LiveModel, version: ModelVersion) -> None:
    live.put(version, MODEL, JOB, version.tags)


def repaired(live: LiveModel) -> list[Repair]:
    return repair(live, NAME, who="training job 2")


def production(registry: FakeModelRegistry) -> str | None:
    holder = holder_of(registry, PRODUCTION)
    return holder.version if holder else None


def pointer(s3: "S3Client") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(s3.get_object(Bucket=BUCKET, Key=POINTER)["Body"].read())
    return document


def agree(live: LiveModel) -> bool:
    """Whether the last entry of every alias is what the registry says."""
    for alias in (PRODUCTION, PREVIOUS):
        holder, entry = holder_of(live.registry, alias), live.ledger.last_of(alias)
        held = holder.version if holder else None
        if (entry.change.to_version if entry else None) != held or (entry and not entry.is_done):
            return False
    return True


@pytest.mark.parametrize(
    ("owner", "call", "at"),
    [
        ("registry", "set_alias", 1),
        ("registry", "set_alias", 2),
        ("ledger", "record", 1),
        ("ledger", "record", 2),
        ("ledger", "mark_done", 1),
        ("ledger", "mark_done", 2),
        ("s3", "put_object", 6),  # the pointer, after the copy, two entries and two marks
    ],
)
def test_after_a_death_at_any_step_they_agree_again(  # noqa: PLR0913, PLR0917 - fixtures
    live: LiveModel,
    registry: FakeModelRegistry,
    s3: "S3Client",
    monkeypatch: pytest.MonkeyPatch,
    owner: str,
    call: str,
    at: int,
) -> None:
    promote(live, register(registry))
    second = register(registry)
    target = getattr(live, owner)
    real, calls = getattr(target, call), 0

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == at:
            raise DiedError
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(target, call, dying)
        with pytest.raises(DiedError):
            promote(live, second)

    repaired(live)

    assert agree(live)
    assert pointer(s3)["version"] == production(registry)
    assert repaired(live) == []


def test_a_change_that_was_begun_is_finished_and_it_is_said_whose(
    live: LiveModel, registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = register(registry)
    with monkeypatch.context() as patch:
        patch.setattr(live.registry, "set_alias", _die)
        with pytest.raises(DiedError):
            promote(live, version)

    (change,) = repaired(live)

    assert production(registry) == "1"
    assert change.was_finished
    assert str(change) == (
        "an interrupted change by training job 1 was completed: production from none to 1"
    )


def test_an_alias_moved_outside_the_pipeline_stays_and_is_recorded(
    live: LiveModel, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    promote(live, register(registry))
    second = register(registry)
    registry.set_alias(PRODUCTION, second.version)

    (change,) = repaired(live)

    assert production(registry) == "2"
    assert not change.was_finished
    newest = live.ledger.newest(1)[0]
    assert isinstance(newest, AliasChange)
    assert (newest.who, newest.from_version, newest.to_version) == (FOREIGN, "1", "2")
    assert "training job 2" in newest.why
    assert pointer(s3)["version"] == "2"
    assert agree(live)


def test_an_alias_that_was_moved_back_past_the_pipeline_is_not_moved_on_again(
    live: LiveModel, registry: FakeModelRegistry
) -> None:
    promote(live, register(registry))
    promote(live, register(registry))
    registry.set_alias(PRODUCTION, "1")

    (change,) = repaired(live)

    assert (production(registry), change.was_finished) == ("1", False)


def test_an_alias_that_was_taken_away_is_written_down(
    live: LiveModel, registry: FakeModelRegistry
) -> None:
    promote(live, register(registry))
    registry.drop_alias(PRODUCTION)

    (change,) = repaired(live)

    assert (change.change.from_version, change.change.to_version) == ("1", None)
    assert repaired(live) == []


def test_where_all_agrees_nothing_is_written(live: LiveModel, registry: FakeModelRegistry) -> None:
    assert repaired(live) == []
    promote(live, register(registry))
    before = live.ledger.newest(10)

    assert repaired(live) == []

    assert live.ledger.newest(10) == before


def test_a_version_in_production_whose_file_is_not_the_registered_one_is_not_copied(
    live: LiveModel, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    promote(live, register(registry))
    second = register(registry)
    registry.replace_file("2", MODEL_FILE, b"tampered")
    registry.set_alias(PRODUCTION, second.version)

    repaired(live)

    assert pointer(s3)["version"] == "1"


OTHER = linear_model(bias=4)


def test_a_registry_that_was_rebuilt_is_noticed_though_the_number_is_the_same(
    live: LiveModel, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    promote(live, register(registry))
    registry.rebuild()
    other = register(registry, OTHER)
    registry.set_alias(PRODUCTION, other.version)

    (noted,) = repaired(live)

    assert not noted.was_finished
    assert str(noted) == "the registry was rebuilt: production is on another version 1"
    newest = live.ledger.newest(1)[0]
    assert isinstance(newest, AliasChange)
    assert (newest.who, newest.to_version, newest.to_sha256) == (FOREIGN, "1", other.sha256)
    copy = s3.get_object(Bucket=BUCKET, Key=pointer(s3)["key"])["Body"].read()
    assert (pointer(s3)["sha256"], copy) == (other.sha256, OTHER)
    assert repaired(live) == []


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_change_to_a_version_of_a_registry_that_was_rebuilt_is_not_finished(
    live: LiveModel, registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch, *, is_gone: bool
) -> None:
    promote(live, register(registry))
    second = register(registry)
    with monkeypatch.context() as patch:
        patch.setattr(live.registry, "set_alias", _die)
        with pytest.raises(DiedError):
            live.move(PRODUCTION, second, JOB)
    registry.rebuild()
    registry.set_alias(PRODUCTION, register(registry).version)
    if not is_gone:
        register(registry, OTHER)

    (noted,) = repaired(live)

    assert (production(registry), noted.was_finished) == ("1", False)
    assert repaired(live) == []


def test_an_entry_of_an_earlier_release_knows_numbers_alone(
    live: LiveModel, registry: FakeModelRegistry
) -> None:
    version = register(registry)
    registry.set_alias(PRODUCTION, version.version)
    old = AliasChange(
        who="training job 0",
        when=version.created_at,
        model=NAME,
        alias=PRODUCTION,
        from_version=None,
        to_version="1",
        why="better",
    )
    live.ledger.mark_done(live.ledger.record(old), PRODUCTION)

    assert repaired(live) == []


def test_no_alias_is_moved_to_another_model_of_the_same_number(
    live: LiveModel, registry: FakeModelRegistry
) -> None:
    version = register(registry)
    registry.rebuild()
    register(registry, OTHER)

    with pytest.raises(VersionChangedError, match="version 1 is another model now"):
        live.move(PRODUCTION, version, JOB)

    assert production(registry) is None
    assert live.ledger.newest(1) == []


def test_a_copy_of_one_number_does_not_write_over_another_s(
    live: LiveModel, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    promote(live, register(registry))
    before = pointer(s3)
    registry.rebuild()

    live.keep_copy(register(registry, OTHER), OTHER)

    assert s3.get_object(Bucket=BUCKET, Key=before["key"])["Body"].read() == MODEL


def test_a_version_in_production_without_a_digest_is_not_copied(
    live: LiveModel, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    promote(live, register(registry))
    registry.set_alias(PRODUCTION, registry.register({MODEL_FILE: MODEL}).version)

    repaired(live)

    assert pointer(s3)["version"] == "1"


def _die(*_: str) -> None:
    raise DiedError
