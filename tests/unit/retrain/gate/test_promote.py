"""Effects of a verdict on aliases, ledger, pointer and tags."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from housing.errors import LeaseError, VersionChangedError
from housing.jobs.results import Held, SliceChange, Verdict
from housing.registry.automatic_promotion import PromotionSwitch
from housing.registry.last_promoted import POINTER
from housing.registry.ledger import AliasChange, Ledger
from housing.registry.live_model import LOCK, LOCK_SECONDS, LiveModel, holder_of
from housing.registry.port import CHALLENGER, MODEL_FILE, PREVIOUS, PRODUCTION, ModelVersion, Tag
from retrain.training.errors import ChampionChangedError
from retrain.training.gate import promote
from retrain.training.gate.promote import Outcome, Promoter

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
NAME = "california-housing"
MODEL = linear_model()
PART = "0a1b"
GOOD = Verdict(promote=True, reason="better", challenger_rmse=0.4, holdout_rows=10)
BAD = Verdict(
    promote=False, reason="worse", challenger_rmse=0.5, champion_rmse=0.4, holdout_rows=10
)
Read = Callable[[str], bytes]
Keys = Callable[[str], list[str]]


class DiedError(Exception):
    """Stands for the process's end."""


@pytest.fixture
def promoter(registry: FakeModelRegistry, s3: "S3Client") -> Promoter:
    live = LiveModel(registry, Ledger(s3, BUCKET), s3, BUCKET)
    return Promoter(live, NAME, "training job 1", lambda _: None, rollbacks_seen=0)


def register(registry: FakeModelRegistry) -> ModelVersion:
    tags = {Tag.SHA256: hashlib.sha256(MODEL).hexdigest()}
    return registry.register({MODEL_FILE: MODEL}, tags=tags)


def apply(
    promoter: Promoter, version: ModelVersion, verdict: Verdict, held: Held | None = None
) -> Outcome:
    """Act on a verdict against whatever is in production now."""
    champion = holder_of(promoter.live.registry, PRODUCTION)
    return promoter.apply(version, verdict, MODEL, champion=champion, parts=(PART,), held=held)


def carriers(registry: FakeModelRegistry) -> dict[str, str | None]:
    holders = {name: holder_of(registry, name) for name in (PRODUCTION, PREVIOUS, CHALLENGER)}
    return {name: holder.version if holder else None for name, holder in holders.items()}


@pytest.fixture
def entries(keys: Keys, read: Read) -> Callable[[], list[AliasChange]]:
    def ledger() -> list[AliasChange]:
        entry_keys = [key for key in keys("ledger/") if key.endswith(".json")]
        return [AliasChange.model_validate_json(read(key)) for key in entry_keys]

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
    copy = f"models/{registry.version('1').unique_name}/model.onnx"
    assert keys("models/") == [copy, LOCK, POINTER]
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


def test_a_version_is_not_promoted_over_one_that_it_was_not_judged_against(
    promoter: Promoter, registry: FakeModelRegistry, entries: Any
) -> None:
    apply(promoter, register(registry), GOOD)
    second = register(registry)
    before = entries()

    with pytest.raises(ChampionChangedError, match="version 1 came into production"):
        promoter.apply(second, GOOD, MODEL, champion=None, parts=())

    assert carriers(registry)[PRODUCTION] == "1"
    assert entries() == before


def test_a_champion_of_another_digest_is_another_champion(
    promoter: Promoter, registry: FakeModelRegistry, entries: Any
) -> None:
    apply(promoter, register(registry), GOOD)
    champion = holder_of(registry, PRODUCTION)
    second = register(registry)
    rebuilt = {**registry.version("1").tags, Tag.SHA256: "0" * 64}
    registry.rebuild()
    registry.set_alias(PRODUCTION, registry.register({MODEL_FILE: b""}, tags=rebuilt).version)
    registry.register({MODEL_FILE: MODEL}, tags=second.tags)

    with pytest.raises(ChampionChangedError, match="version 1 came into production"):
        promoter.apply(second, GOOD, MODEL, champion=champion, parts=())

    assert carriers(registry)[PRODUCTION] == "1"
    assert entries()[-1].to_version == "1"


def test_a_version_whose_number_stands_for_another_model_is_not_promoted(
    promoter: Promoter, registry: FakeModelRegistry, entries: Any
) -> None:
    version = register(registry)
    registry.rebuild()
    registry.register({MODEL_FILE: b""}, tags={Tag.SHA256: "0" * 64})

    with pytest.raises(VersionChangedError):
        promoter.apply(version, GOOD, MODEL, champion=None, parts=())

    assert carriers(registry)[PRODUCTION] is None
    assert entries() == []


def test_a_version_whose_number_stands_for_another_model_is_not_marked_as_held_either(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    promoter.live.promotion.stop(who="anna", why="odd")
    version = register(registry)
    registry.rebuild()
    registry.register({MODEL_FILE: b""}, tags={Tag.SHA256: "0" * 64})

    with pytest.raises(VersionChangedError):
        promoter.apply(version, GOOD, MODEL, champion=None, parts=())

    assert Tag.VERDICT not in registry.version("1").tags


def test_a_version_that_was_rolled_back_from_meanwhile_is_not_promoted(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    apply(promoter, register(registry), GOOD)
    second = register(registry)
    registry.set_tag("2", Tag.ROLLED_BACK, "odd")

    with pytest.raises(ChampionChangedError):
        apply(promoter, second, GOOD)

    assert carriers(registry)[PRODUCTION] == "1"


def test_the_card_has_the_verdict_once(promoter: Promoter, registry: FakeModelRegistry) -> None:
    version = register(registry)
    registry.describe(version.version, "# Card")
    apply(promoter, registry.version("1"), GOOD)
    apply(promoter, registry.version("1"), GOOD)

    assert registry.version("1").description == "# Card\n\n## Gate\nPromoted: better."


def test_the_numbers_and_the_worse_slices_are_on_the_version_and_its_card(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    worse = SliceChange(
        name="capped", rows=40, challenger_rmse=0.5, champion_rmse=0.4, change=0.25, is_worse=True
    )
    verdict = BAD.model_copy(update={"change": 0.25, "champion_version": "1", "slices": [worse]})
    apply(promoter, register(registry), verdict)

    version = registry.version("1")
    assert version.tags["gate.change"] == "0.25"
    assert version.tags["gate.champion_version"] == "1"
    assert version.tags["gate.worse_slices"] == "capped"
    assert "| capped | 40 | 0.4000 | 0.5000 | +25.0%, too much |" in version.description


def test_a_promotion_during_another_change_waits_and_is_an_error(
    promoter: Promoter, registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.training.gate.promote._WAIT_SECONDS", 0.1)
    version = register(registry)

    with promoter.live.locked("somebody"), pytest.raises(LeaseError, match="somebody held"):
        apply(promoter, version, GOOD)

    apply(promoter, version, GOOD)
    assert carriers(registry)[PRODUCTION] == "1"


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


def test_a_job_outlasts_the_lock_of_one_that_died(
    promoter: Promoter, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    expires_at = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    held = {"holder": "training job 0", "expires_at": expires_at, "nonce": "1"}
    s3.put_object(Bucket=BUCKET, Key=LOCK, Body=json.dumps(held).encode())

    apply(promoter, register(registry), GOOD)

    assert carriers(registry)[PRODUCTION] == "1"
    assert promote._WAIT_SECONDS > LOCK_SECONDS


def exclude(promoter: Promoter, part: str = PART) -> None:
    promoter.live.exclusions.exclude(part, "excluded", job_id="job-9", who="anna", why="odd")


@pytest.mark.parametrize("verdict", [GOOD, BAD])
def test_while_promotion_is_stopped_a_version_is_held_whatever_its_verdict(
    promoter: Promoter, registry: FakeModelRegistry, verdict: Verdict
) -> None:
    apply(promoter, register(registry), GOOD)
    promoter.live.promotion.stop(who="anna", why="odd")
    before = promoter.live.ledger.newest(99)

    outcome = apply(promoter, register(registry), verdict)

    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: None, CHALLENGER: None}
    assert promoter.live.ledger.newest(99) == before
    assert outcome.held is not None
    assert (outcome.held.kind, outcome.held.who) == ("stop", "anna")
    assert (outcome.verdict.promote, outcome.verdict.held) == (False, True)
    assert outcome.verdict.challenger_rmse == verdict.challenger_rmse
    tags = registry.version("2").tags
    assert (tags[Tag.VERDICT], tags[Tag.VERDICT_REASON]) == ("held", outcome.held.reason)
    assert Tag.HELD_PARTS not in tags


def test_a_rollback_that_the_job_has_seen_does_not_hold_it(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    promoter.live.promotion.stop(who="anna", why="odd")
    promoter.live.promotion.resume(who="ben", why="right")

    assert apply(promoter, register(registry), GOOD).held is not None
    seen = replace(promoter, rollbacks_seen=1)
    assert apply(seen, registry.version("1"), GOOD).held is None

    assert carriers(registry)[PRODUCTION] == "1"
    assert registry.version("1").tags[Tag.VERDICT] == "promoted"


def test_a_stop_that_was_only_written_down_holds(
    promoter: Promoter, registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(PromotionSwitch, "apply", _die)
        with pytest.raises(DiedError):
            promoter.live.promotion.stop(who="anna", why="odd")

    assert apply(promoter, register(registry), GOOD).held is not None


def test_a_version_of_rows_that_are_excluded_is_held(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    exclude(promoter)

    outcome = apply(promoter, register(registry), GOOD)

    assert outcome.held is not None
    assert (outcome.held.kind, outcome.held.jobs) == ("excluded", ["job-9"])
    assert carriers(registry)[PRODUCTION] is None


def test_an_exclusion_holds_no_version_that_was_not_trained_on_its_rows(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    exclude(promoter, "2c3d")

    assert apply(promoter, register(registry), GOOD).held is None


def test_a_version_that_is_held_for_its_data_names_the_parts_until_it_is_released(
    promoter: Promoter, registry: FakeModelRegistry
) -> None:
    version = register(registry)
    promoter.hold(PART, job_id="job-1", why="prices contradict production")
    held = Held(kind="data", reason="prices contradict production", jobs=["job-1"])

    assert apply(promoter, version, GOOD, held).held == held
    assert registry.version("1").tags[Tag.HELD_PARTS] == PART
    # Another job that finds it, trained on other parts with the same rows, does not promote it.
    held_version = registry.version("1")
    assert promoter.apply(held_version, GOOD, MODEL, champion=None, parts=()).held is not None
    assert registry.version("1").tags[Tag.HELD_PARTS] == PART

    promoter.live.exclusions.include(PART, who="anna", why="prices fell")
    assert apply(promoter, held_version, GOOD).held is None

    assert carriers(registry)[PRODUCTION] == "1"
    tags = registry.version("1").tags
    assert (tags[Tag.VERDICT], tags[Tag.HELD_PARTS]) == ("promoted", "")


def _die(*_: object) -> None:
    raise DiedError
