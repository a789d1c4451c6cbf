"""An alias that was moved past the pipeline is recorded and reported, once."""

import hashlib

import pytest

from fakes.alerts import FakeAlerts
from fakes.onnx_models import linear_model
from fakes.registry import FakeModelRegistry
from housing.alerts.alert import AlertEvent
from housing.registry import live_model
from housing.registry.alias_repair import FOREIGN, is_consistent
from housing.registry.ledger import AliasChange
from housing.registry.live_model import LiveModel, Reason
from housing.registry.port import MODEL_FILE, PREVIOUS, PRODUCTION, Tag
from predict.admin.alias_audit import HOOK, SWEEP, AliasAudit
from predict.errors import StoreUnavailableError

NAME = "california-housing"
JOB = Reason("job", "better", {})


@pytest.fixture
def audit(live: LiveModel, alerts: FakeAlerts) -> AliasAudit:
    return AliasAudit(live, NAME, alerts)


def promoted(live: LiveModel, registry: FakeModelRegistry, *, bias: float) -> str:
    """Register a version, and promote it as a job does."""
    model = linear_model(bias=bias)
    tags = {Tag.SHA256: hashlib.sha256(model).hexdigest()}
    version = registry.register({MODEL_FILE: model}, tags=tags)
    live.put(version, model, JOB, version.tags)
    return version.version


def newest(live: LiveModel) -> AliasChange:
    [change] = live.ledger.newest(1)
    assert isinstance(change, AliasChange)
    return change


def test_a_move_by_others_is_in_the_ledger_and_reported_once(
    audit: AliasAudit, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    first, second = (promoted(live, registry, bias=bias) for bias in (1.0, 2.0))
    registry.set_alias(PRODUCTION, first)

    recorded = [len(audit.run(who=HOOK)), len(audit.run(who=SWEEP))]

    assert recorded == [1, 0]
    change = newest(live)
    assert (change.who, change.alias) == (FOREIGN, PRODUCTION)
    assert (change.from_version, change.to_version) == (second, first)
    assert HOOK in change.why
    [alert] = alerts.sent
    assert alert.event == AlertEvent.ALIAS_REPAIRED
    assert "moved outside the pipeline: production from 2 to 1" in alert.reason


def test_the_copy_for_cold_starts_follows_the_moved_alias(
    audit: AliasAudit, live: LiveModel, registry: FakeModelRegistry
) -> None:
    first = promoted(live, registry, bias=1.0)
    promoted(live, registry, bias=2.0)
    registry.set_alias(PRODUCTION, first)

    audit.run(who=HOOK)

    pointer = live.s3.get_object(Bucket=live.bucket, Key="models/production.json")
    assert f'"version": "{first}"' in pointer["Body"].read().decode()


def test_the_pipelines_own_moves_need_neither_lock_nor_alert(
    audit: AliasAudit, live: LiveModel, registry: FakeModelRegistry, alerts: FakeAlerts
) -> None:
    promoted(live, registry, bias=1.0)
    promoted(live, registry, bias=2.0)
    entries = live.ledger.newest(99)

    with live.locked("a job"):  # it would wait
        assert audit.run(who=HOOK) == []

    assert live.ledger.newest(99) == entries
    assert alerts.sent == []


def test_before_the_first_model_there_is_nothing_to_record(
    audit: AliasAudit, live: LiveModel
) -> None:
    assert audit.run(who=SWEEP) == []
    assert live.ledger.newest(99) == []


def test_an_interrupted_change_is_completed(
    audit: AliasAudit, live: LiveModel, registry: FakeModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (promoted(live, registry, bias=bias) for bias in (1.0, 2.0))
    with monkeypatch.context() as patched:
        patched.setattr(registry, "set_alias", interrupted)
        with pytest.raises(KeyboardInterrupt):
            live.move(PRODUCTION, registry.version(first), JOB)
    assert not is_consistent(live)

    [repair] = audit.run(who=SWEEP)

    assert repair.was_finished
    assert registry.version_by_alias(PRODUCTION).version == first
    assert registry.version_by_alias(PREVIOUS).version != second
    assert is_consistent(live)


def interrupted(*_: str) -> None:
    raise KeyboardInterrupt


def test_a_change_under_way_is_left_to_the_next_audit(
    audit: AliasAudit,
    live: LiveModel,
    registry: FakeModelRegistry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = promoted(live, registry, bias=1.0)
    promoted(live, registry, bias=2.0)
    registry.set_alias(PRODUCTION, first)
    monkeypatch.setattr(live_model, "_WAIT_SECONDS", 0.01)
    entries = live.ledger.newest(99)

    with live.locked("a job"), pytest.raises(StoreUnavailableError):
        audit.run(who=HOOK)

    assert live.ledger.newest(99) == entries
    assert len(audit.run(who=SWEEP)) == 1
