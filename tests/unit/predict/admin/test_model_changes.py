"""Rollback and promotion by hand: proved first, in the ledger, followed by pointer and alert."""

import asyncio
import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from fakes.alerts import FakeAlerts
from fakes.asgi_client import AsgiClient
from fakes.model_store import FakeModelStore
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from fakes.written_lines import WrittenLines
from housing.errors import LedgerError, RegistryUnavailableError
from housing.registry.alias_repair import FOREIGN
from housing.registry.automatic_promotion import PROMOTION, AutomaticPromotion
from housing.registry.last_promoted import POINTER
from housing.registry.ledger import AliasChange, Decision
from housing.registry.live_model import LiveModel, Reason, holder_of
from housing.registry.port import MODEL_FILE, PREVIOUS, PRODUCTION, Tag
from predict.access.auth import OpenAccess
from predict.admin.model_changes import ModelChanges
from predict.errors import ChangeRefusedError, StoreUnavailableError
from predict.http.app import create_app
from predict.settings import PredictSettings
from predict.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
JOB = Reason("job", "better", {})


@pytest.fixture
def changes(live: LiveModel, alerts: FakeAlerts, models: FakeModelStore) -> ModelChanges:
    return ModelChanges(live, "california-housing", alerts, models.recheck)


def register(live: LiveModel, registry: FakeModelRegistry, count: int = 1) -> None:
    """Register versions, each promoted by a job."""
    for _ in range(count):
        model = linear_model(bias=float(len(registry._versions)))
        tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
        version = registry.register({MODEL_FILE: model}, tags=tags)
        live.put(version, model, JOB, version.tags)


def carriers(registry: FakeModelRegistry) -> dict[str, str | None]:
    holders = {alias: holder_of(registry, alias) for alias in (PRODUCTION, PREVIOUS)}
    return {alias: holder.version if holder else None for alias, holder in holders.items()}


def moves(live: LiveModel) -> list[AliasChange]:
    """Return what the pipeline moved; a version of another digest is noted as another version."""
    entries = live.ledger.newest(99)
    return [one for one in entries if isinstance(one, AliasChange) and one.who != FOREIGN]


def pointer(s3: "S3Client") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(s3.get_object(Bucket=BUCKET, Key=POINTER)["Body"].read())
    return document


def test_a_rollback_puts_the_previous_version_back_everywhere(  # noqa: PLR0913, PLR0917 - fixtures
    changes: ModelChanges,
    live: LiveModel,
    registry: FakeModelRegistry,
    s3: "S3Client",
    alerts: FakeAlerts,
    models: FakeModelStore,
) -> None:
    register(live, registry, 2)

    done = changes.rollback(None, why="prices are odd", who="me")

    assert (done.version, done.from_version, done.is_changed) == ("1", "2", True)
    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: "2"}
    assert pointer(s3)["version"] == "1"
    newest = moves(live)[:2]
    assert [(one.alias, one.from_version, one.to_version) for one in newest] == [
        (PRODUCTION, "2", "1"),
        (PREVIOUS, "1", "2"),
    ]
    assert {(one.who, one.why, one.evidence["kind"]) for one in newest} == {
        ("me", "prices are odd", "rollback")
    }
    assert registry.version("2").tags[Tag.ROLLED_BACK].endswith("prices are odd")
    (alert,) = alerts.sent
    assert (alert.event, alert.reason) == ("rolled_back", "prices are odd")
    assert (alert.facts["from"], alert.facts["to"]) == ("version 2", "version 1")
    assert alert.next_step == 'housing resume --reason "…"'
    assert models.due


def test_a_rollback_stops_automatic_promotion_and_says_so_everywhere(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    register(live, registry, 2)

    done = changes.rollback(None, why="prices are odd", who="me")

    state = changes.promotion()
    assert (state.stopped, state.who, state.why) == (True, "me", "prices are odd")
    assert done.promotion.stopped
    stop = live.ledger.newest(3)[-1]
    assert (stop.kind, stop.who, stop.why) == ("promotion_stopped", "me", "prices are odd")
    assert alerts.sent[0].facts["automatic promotion"].startswith("stopped since ")
    assert alerts.sent[0].facts["automatic promotion"].endswith(" by me")


def test_a_second_rollback_is_counted_and_the_first_stop_stands(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 3)
    changes.rollback("2", why="odd", who="anna")
    first = changes.promotion()

    changes.rollback("1", why="odd as well", who="ben")

    assert changes.promotion() == first.model_copy(update={"rollbacks": 2})


def test_a_rollback_to_what_is_live_only_stops_the_jobs(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    register(live, registry)

    done = changes.rollback("1", why="wait", who="me")

    assert (done.is_changed, done.promotion.stopped) == (False, True)
    (alert,) = alerts.sent
    assert (alert.event, alert.reason) == ("promotion_stopped", "wait")
    assert alert.next_step == 'housing resume --reason "…"'


def test_a_rollback_that_is_refused_stops_nothing(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry)

    with pytest.raises(ChangeRefusedError):
        changes.rollback(None, why="odd", who="me")

    assert changes.promotion() == AutomaticPromotion()


def test_resuming_ends_the_stop_with_an_entry_and_an_alert(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    register(live, registry, 2)
    changes.rollback(None, why="odd", who="anna")

    before = changes.resume(why="the file is taken out", who="ben")

    assert (before.stopped, before.who) == (True, "anna")
    after = changes.promotion()
    assert (after.stopped, after.since, after.who, after.rollbacks) == (False, None, None, 1)
    entry = live.ledger.newest(1)[0]
    assert (entry.kind, entry.who, entry.why) == (
        "promotion_resumed",
        "ben",
        "the file is taken out",
    )
    assert [alert.event for alert in alerts.sent] == ["rolled_back", "promotion_resumed"]


def test_resuming_what_was_not_stopped_changes_and_writes_nothing(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    register(live, registry)
    before = live.ledger.newest(9)

    assert not changes.resume(why="why not", who="me").stopped

    assert (live.ledger.newest(9), alerts.sent) == (before, [])


def test_resuming_works_while_the_registry_is_down(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    changes.rollback(None, why="odd", who="me")
    registry.fails_with = RegistryUnavailableError("down")

    changes.resume(why="it is right", who="me")

    assert not changes.promotion().stopped


def test_a_promotion_by_hand_ends_no_stop_and_says_so(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    register(live, registry, 2)
    changes.rollback(None, why="odd", who="anna")

    done = changes.promote("2", why="it was right", who="ben")

    assert (done.is_changed, done.promotion.stopped, done.promotion.who) == (True, True, "anna")
    assert changes.promotion().stopped
    assert alerts.sent[-1].facts["automatic promotion"].endswith(" by anna")


def test_a_promotion_by_hand_releases_the_rows_that_were_held_because_of_the_version(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    live.exclusions.exclude("0a1b", "held", job_id="job-2", who="job", why="low prices")
    live.exclusions.exclude("2c3d", "held", job_id="job-3", who="job", why="low prices")
    registry.set_tag("1", Tag.HELD_PARTS, "0a1b,4e5f")

    done = changes.promote("1", why="prices fell there", who="me")

    assert done.included == ("job-2",)
    assert set(live.exclusions.load()) == {"2c3d"}
    assert registry.version("1").tags[Tag.HELD_PARTS] == ""
    entry = live.ledger.newest(1)[0]
    assert isinstance(entry, Decision)
    assert (entry.kind, entry.part, entry.job_id) == ("data_included", "0a1b", "job-2")
    assert "version 1 is promoted: prices fell there" in entry.why


def test_a_second_rollback_does_not_go_back_to_what_was_left(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    changes.rollback(None, why="odd", who="me")

    with pytest.raises(ChangeRefusedError, match="itself rolled back from"):
        changes.rollback(None, why="odd", who="me")

    assert carriers(registry)[PRODUCTION] == "1"
    assert changes.rollback("2", why="it was right", who="me").version == "2"


def test_a_rollback_to_a_version_by_name(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 3)

    changes.rollback("1", why="odd", who="me")

    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: "3"}


@pytest.mark.parametrize("trouble", ["file", "digest", "signature", "missing"])
def test_a_target_that_does_not_load_moves_nothing(
    changes: ModelChanges,
    live: LiveModel,
    registry: FakeModelRegistry,
    s3: "S3Client",
    trouble: str,
) -> None:
    register(live, registry, 2)
    before = (carriers(registry), moves(live), pointer(s3))
    if trouble == "file":
        registry.replace_file("1", MODEL_FILE, b"no graph")
    elif trouble == "digest":
        registry.set_tag("1", Tag.SHA256, "0" * 64)
    elif trouble == "missing":
        registry._files["1"].clear()
    else:
        model = linear_model(columns=3)
        registry.replace_file("1", MODEL_FILE, model)
        registry.set_tag("1", Tag.SHA256, hashlib.sha256(model).hexdigest())

    with pytest.raises(ChangeRefusedError, match="nothing was changed"):
        changes.rollback(None, why="odd", who="me")

    assert (carriers(registry), moves(live), pointer(s3)) == before


class InterruptedError_(Exception):  # noqa: N818, N801
    """Stands for the process's end."""


@pytest.mark.parametrize(
    ("call", "at"),
    [
        ("record", 1),  # the stop of automatic promotion
        ("put_object", PROMOTION),
        ("mark_done", 1),
        ("put_object", "the copy"),
        ("set_tag", 1),
        ("record", 2),
        ("set_alias", 1),
        ("record", 3),
        ("set_alias", 2),
        ("mark_done", 2),
        ("mark_done", 3),
        ("put_object", POINTER),
    ],
)
def test_an_interrupted_rollback_is_finished_by_the_same_call(  # noqa: PLR0913, PLR0917 - fixtures
    changes: ModelChanges,
    live: LiveModel,
    registry: FakeModelRegistry,
    s3: "S3Client",
    alerts: FakeAlerts,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    at: int | str,
) -> None:
    register(live, registry, 2)
    targets = {"set_alias": registry, "set_tag": registry, "put_object": s3}
    target = targets.get(call, live.ledger)
    real, calls = getattr(target, call), 0

    def failing(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        key = str(named.get("Key"))
        if at in {calls, "the copy" if key.endswith(MODEL_FILE) else key}:
            raise InterruptedError_
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(target, call, failing)
        with pytest.raises(InterruptedError_):
            changes.rollback(None, why="odd", who="me")

    done = changes.rollback(None, why="odd", who="me")

    assert (done.version, done.from_version, done.is_changed) == ("1", "2", True)
    assert [alert.event for alert in alerts.sent] == ["rolled_back"]
    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: "2"}
    assert registry.version("2").tags[Tag.ROLLED_BACK]
    assert pointer(s3)["version"] == "1"
    assert changes.promotion().stopped
    assert Counter(one.kind for one in live.ledger.newest(99))["promotion_stopped"] == 1


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_rollback_that_was_interrupted_is_not_gone_on_with_to_another_model(
    changes: ModelChanges,
    live: LiveModel,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_gone: bool,
) -> None:
    register(live, registry, 3)
    record = live.ledger.record

    def interrupted(change: AliasChange | Decision) -> int:
        if isinstance(change, AliasChange) and change.alias == PRODUCTION:
            raise InterruptedError_
        return record(change)

    monkeypatch.setattr(live.ledger, "record", interrupted)
    with pytest.raises(InterruptedError_):
        changes.rollback("2", why="odd", who="me")
    monkeypatch.undo()
    if is_gone:
        del registry._versions["2"]
    else:
        registry.set_tag("2", Tag.SHA256, "0" * 64)

    with pytest.raises(ChangeRefusedError, match="no previous version to return to"):
        changes.rollback(None, why="odd", who="me")

    assert carriers(registry) == {PRODUCTION: "3", PREVIOUS: "3"}


def test_a_rollback_that_was_finished_by_another_call_says_what_it_left_if_that_is_known(
    changes: ModelChanges,
    live: LiveModel,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(live, registry, 2)
    set_alias = registry.set_alias

    def interrupted(alias: str, version: str) -> None:
        set_alias(alias, version)
        if alias == PRODUCTION:
            raise InterruptedError_

    monkeypatch.setattr(registry, "set_alias", interrupted)
    with pytest.raises(InterruptedError_):
        changes.rollback("1", why="odd", who="me")
    monkeypatch.undo()

    assert changes.rollback("1", why="odd", who="me").version == "1"


def test_a_manual_promotion_overrides_the_verdict_and_records_it(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry, s3: "S3Client"
) -> None:
    register(live, registry)
    model = linear_model(bias=9)
    registry.register({MODEL_FILE: model}, tags={Tag.SHA256: hashlib.sha256(model).hexdigest()})

    changes.promote("2", why="we know better", who="me")

    assert carriers(registry) == {PRODUCTION: "2", PREVIOUS: "1"}
    assert registry.version("2").tags[Tag.VERDICT] == "promoted"
    assert "by hand, me: we know better" in registry.version("2").tags[Tag.VERDICT_REASON]
    assert pointer(s3)["tags"][Tag.VERDICT] == "promoted"


def test_trouble_of_the_registry_says_to_try_again(
    changes: ModelChanges, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    registry.fails_with = RegistryUnavailableError("down")

    with pytest.raises(StoreUnavailableError, match="again"):
        changes.rollback(None, why="odd", who="me")


def test_with_nothing_ever_changed_there_is_nothing_to_go_back_to(
    changes: ModelChanges, registry: FakeModelRegistry
) -> None:
    registry.register({MODEL_FILE: linear_model()})
    registry.set_alias(PRODUCTION, "1")

    with pytest.raises(ChangeRefusedError, match="no previous version to return to"):
        changes.rollback(None, why="odd", who="me")


def test_a_change_during_another_is_refused_with_advice_to_retry(
    changes: ModelChanges,
    live: LiveModel,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    register(live, registry, 2)

    def outrun(_: object) -> int:
        msg = "another wrote entry 3 of the ledger first"
        raise LedgerError(msg)

    monkeypatch.setattr(live.ledger, "record", outrun)

    with pytest.raises(StoreUnavailableError, match="another process is changing the live model"):
        changes.rollback(None, why="odd", who="me")
    assert carriers(registry) == {PRODUCTION: "2", PREVIOUS: "1"}


@pytest.fixture
def api(
    settings: PredictSettings,
    models: FakeModelStore,
    changes: ModelChanges,
    loop: asyncio.AbstractEventLoop,
) -> AsgiClient:
    telemetry = Telemetry(WrittenLines())
    return AsgiClient(create_app(settings, models, telemetry, OpenAccess(), lambda: changes), loop)


def test_the_api_lists_versions_and_changes(
    api: AsgiClient, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    rolled = api.post_json("/models/rollback", {"reason": " odd "})
    said = rolled.json()
    stop = said.pop("automatic_promotion")
    assert said == {"version": "1", "from_version": "2", "changed": True, "included": []}
    assert (stop["stopped"], stop["who"], stop["why"]) == (True, "api key nobody", "odd")

    listing = api.get("/models").json()

    assert (listing["production"], [one["version"] for one in listing["versions"]]) == (
        "1",
        ["2", "1"],
    )
    assert listing["versions"][0]["rolled_back"].endswith(" odd")
    assert listing["history"][0]["to_version"] == "1"
    assert listing["history"][0]["who"] == "api key nobody"
    assert listing["automatic_promotion"] == stop
    assert [one["kind"] for one in listing["history"][:3]] == [
        "alias_moved",
        "alias_moved",
        "promotion_stopped",
    ]


def test_the_api_resumes_once(
    api: AsgiClient, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    stop = api.post_json("/models/rollback", {"reason": "odd"}).json()["automatic_promotion"]

    first, second = (api.post_json("/models/resume", {"reason": "right"}) for _ in range(2))

    assert first.json() == {"changed": True, "before": stop}
    none = {"stopped": False, "since": None, "who": None, "why": None}
    assert second.json() == {"changed": False, "before": none}
    assert api.get("/models").json()["automatic_promotion"] == none


def test_the_live_version_is_named_though_it_is_older_than_those_listed(
    api: AsgiClient, live: LiveModel, registry: FakeModelRegistry
) -> None:
    register(live, registry, 2)
    api.post_json("/models/rollback", {"reason": "odd"})

    listing = api.get("/models?limit=1").json()

    assert (listing["production"], [one["version"] for one in listing["versions"]]) == ("1", ["2"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/models/rollback", "{}", 422),
        ("/models/rollback", '{"reason": "  "}', 422),
        ("/models/rollback", '{"reason": "x", "reason": "y"}', 400),
        ("/models/rollback", '{"reason": "x", "to": 1}', 422),
        ("/models/rollback", '{"reason": "x", "to": "../1"}', 422),
        ("/models/rollback", '{"reason": "x", "to": "99"}', 404),
        ("/models/rollback", '{"reason": "x", "more": 1}', 422),
        ("/models/rollback", '{"reason": "x"}', 409),
        ("/models/rollback", "{", 400),
        ("/models/rollback", b"\xff", 400),
        ("/models/rollback", "[" * 100_000, 400),
        ("/models/resume", "{}", 422),
        ("/models/resume", '{"reason": " "}', 422),
        ("/models/resume", '{"reason": "x", "to": "1"}', 422),
        ("/models/promote", '{"reason": "x"}', 422),
        ("/models/promote", '{"reason": "x", "version": "99"}', 404),
    ],
)
def test_a_bad_change_is_a_problem_of_the_clients(  # noqa: PLR0913, PLR0917 - fixtures
    api: AsgiClient, live: LiveModel, registry: FakeModelRegistry, path: str, body: Any, status: int
) -> None:
    register(live, registry)

    answer = api.post(path, body)

    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert carriers(registry) == {PRODUCTION: "1", PREVIOUS: None}


@pytest.mark.parametrize("limit", ["0", "101", "x", ""])
def test_a_bad_limit_is_named(api: AsgiClient, limit: str) -> None:
    answer = api.get(f"/models?limit={limit}")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.limit"
