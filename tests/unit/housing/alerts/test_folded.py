"""Repeats of one failure within an hour are one message, whoever sends them."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fakes.alerts import FakeAlerts
from fakes.clock import FakeClock
from fakes.faulty_s3 import PASSING, Fault, FaultyS3, as_it_is, unsent
from housing.alerts.alert import Alert, AlertEvent
from housing.alerts.folded import CLAIM, FOLD, FoldedAlerts, cause_of
from housing.s3.layout import ALERTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
HOUR = FOLD.total_seconds()
FAILED = Alert(
    event=AlertEvent.TRAINING_FAILED,
    subject="california-housing: a training job failed",
    reason="MLflow did not take it",
    next_step="housing status 0123",
    facts={"job": "0123"},
)
Sender = Callable[[], FoldedAlerts]


@pytest.fixture
def inner() -> FakeAlerts:
    return FakeAlerts()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sender(s3: "S3Client", inner: FakeAlerts, clock: FakeClock) -> Sender:
    """Make the sink of another process."""
    return lambda: FoldedAlerts(inner, s3, BUCKET, clock=clock)


def reasons(inner: FakeAlerts) -> list[str]:
    return [alert.reason for alert in inner.sent]


def stored(s3: "S3Client") -> list[str]:
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def test_a_repeated_failure_is_sent_once_an_hour_and_the_next_message_counts_the_repeats(
    sender: Sender, inner: FakeAlerts, clock: FakeClock
) -> None:
    for _ in range(4):
        assert sender().send(FAILED)
        clock.advance(60)

    assert inner.sent == [FAILED]
    clock.advance(HOUR)
    sender().send(FAILED)
    assert reasons(inner)[1:] == ["MLflow did not take it; and 3 more like it since 12:00 UTC"]


def test_the_count_restarts_with_each_message(
    sender: Sender, inner: FakeAlerts, clock: FakeClock
) -> None:
    sender().send(FAILED)
    sender().send(FAILED)
    clock.advance(HOUR)
    sender().send(FAILED)
    clock.advance(HOUR)
    sender().send(FAILED)

    assert reasons(inner) == [
        "MLflow did not take it",
        "MLflow did not take it; and 1 more like it since 12:00 UTC",
        "MLflow did not take it",
    ]


def test_a_count_of_another_day_says_the_day(
    sender: Sender, inner: FakeAlerts, clock: FakeClock
) -> None:
    sender().send(FAILED)
    sender().send(FAILED)
    clock.advance(24 * HOUR)
    sender().send(FAILED)

    assert reasons(inner)[1].endswith("and 1 more like it since 2026-11-23 12:00 UTC")


def test_another_reason_or_event_is_sent_at_once(sender: Sender, inner: FakeAlerts) -> None:
    sender().send(FAILED)
    sender().send(replace(FAILED, reason="the disk is full"))
    sender().send(replace(FAILED, event=AlertEvent.UPLOAD_REJECTED))

    assert len(inner.sent) == 3


@pytest.mark.parametrize("event", [event for event in AlertEvent if not event.is_folded])
def test_a_change_of_state_is_always_sent_and_stores_nothing(
    sender: Sender, inner: FakeAlerts, s3: "S3Client", event: AlertEvent
) -> None:
    sender().send(replace(FAILED, event=event))
    sender().send(replace(FAILED, event=event))

    assert len(inner.sent) == 2
    assert stored(s3) == []


def test_sent_alerts_are_stored_under_their_own_prefix(sender: Sender, s3: "S3Client") -> None:
    sender().send(FAILED)

    [key] = stored(s3)
    assert key.startswith(f"{ALERTS}training_failed-")


SAME = [
    (
        {"job": "00aa11bb22cc33dd", "file": "new_data/a.csv"},
        "job 00aa11bb22cc33dd held the lease for longer than 1,800 s; new_data/a.csv waits",
        {"job": "cafe11bb22cc33ee", "file": "new_data/monday.csv"},
        "job cafe11bb22cc33ee held the lease for longer than 1,801.5 s; new_data/monday.csv waits",
    ),
    (
        {},
        "run 3f2504e0-4f89-11d3-9a0c-0305e82c3301 ended at 2026-11-23T12:00:01Z",
        {},
        "run beefbeef-beef-4bad-beef-beefbeefbeef ended at 2026-11-24T01:20:59Z",
    ),
    ({}, "the data set has 12 rows", {}, "The data set  has 1,234 rows"),
]


@pytest.mark.parametrize(("facts", "reason", "other_facts", "other_reason"), SAME)
def test_jobs_files_times_and_numbers_make_no_other_cause(
    facts: dict[str, str], reason: str, other_facts: dict[str, str], other_reason: str
) -> None:
    one = replace(FAILED, facts=facts, reason=reason)
    other = replace(FAILED, facts=other_facts, reason=other_reason)

    assert cause_of(one) == cause_of(other)


def test_words_do_make_another_cause() -> None:
    one = replace(FAILED, reason="missing column Latitude")

    assert cause_of(one) != cause_of(replace(one, reason="missing column Longitude"))


def test_of_two_senders_at_the_same_moment_one_sends_and_the_other_is_counted(
    sender: Sender, inner: FakeAlerts, clock: FakeClock, s3: "S3Client"
) -> None:
    rivals = [sender()]

    def come_between(**_: Any) -> None:
        if rivals:
            rivals.pop().send(FAILED)

    s3.meta.events.register("after-call.s3.GetObject", come_between)
    try:
        sender().send(FAILED)
    finally:
        s3.meta.events.unregister("after-call.s3.GetObject", come_between)

    assert inner.sent == [FAILED]
    assert rivals == []
    clock.advance(HOUR)
    sender().send(FAILED)
    assert reasons(inner)[1].endswith("and 1 more like it since 12:00 UTC")


def test_an_unsent_alert_is_sent_with_the_next_and_counted(
    sender: Sender, inner: FakeAlerts
) -> None:
    inner.is_down = True
    assert not sender().send(FAILED)
    assert not sender().send(FAILED)
    inner.is_down = False

    assert sender().send(FAILED)

    assert reasons(inner) == ["MLflow did not take it; and 2 more like it since 12:00 UTC"]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("place", [0, 1])
def test_the_first_alert_is_not_folded_into_itself(
    sender: Sender, faulty: FaultyS3, inner: FakeAlerts, fault: Fault, place: int
) -> None:
    network: Any = faulty
    faulty.fail("put_object", *[as_it_is] * place, fault)

    assert FoldedAlerts(inner, network, BUCKET, clock=FakeClock()).send(FAILED)
    assert sender().send(FAILED)

    assert faulty.has_failed()
    assert inner.sent == [FAILED]


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_repeat_is_counted_once(
    sender: Sender, faulty: FaultyS3, inner: FakeAlerts, clock: FakeClock, fault: Fault
) -> None:
    network: Any = faulty
    sender().send(FAILED)
    faulty.fail("put_object", fault)

    assert FoldedAlerts(inner, network, BUCKET, clock=clock).send(FAILED)

    assert faulty.has_failed()
    clock.advance(HOUR)
    sender().send(FAILED)
    assert reasons(inner)[1].endswith("and 1 more like it since 12:00 UTC")


def test_a_count_that_was_lost_and_counted_over_is_counted_once(
    sender: Sender, faulty: FaultyS3, inner: FakeAlerts, clock: FakeClock
) -> None:
    network: Any = faulty
    sender().send(FAILED)

    def counted_over(call: Callable[[], Any]) -> Any:
        call()
        sender().send(FAILED)
        return call()

    faulty.fail("put_object", counted_over)
    FoldedAlerts(inner, network, BUCKET, clock=clock).send(FAILED)

    clock.advance(HOUR)
    sender().send(FAILED)
    assert reasons(inner)[1].endswith("and 2 more like it since 12:00 UTC")


def test_a_sender_that_dies_leaves_the_alert_to_the_next_one(
    sender: Sender, inner: FakeAlerts, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing.alerts.folded.time.sleep", clock.advance)

    inner.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        sender().send(FAILED)
    inner.raises = None
    assert sender().send(FAILED)  # it waits until the claim is over

    assert reasons(inner) == ["MLflow did not take it; and 1 more like it since 12:00 UTC"]
    assert CLAIM.total_seconds() <= (clock() - FakeClock()()).total_seconds()


def test_a_repeat_during_the_sending_waits_and_is_counted(
    sender: Sender, inner: FakeAlerts, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = inner.send
    others: list[threading.Thread] = []
    waits = threading.Event()

    def wait(_seconds: float) -> None:
        waits.set()
        threading.Event().wait(0.01)

    def slow(alert: Alert) -> bool:
        if not others:
            others.append(threading.Thread(target=sender().send, args=(FAILED,)))
            others[0].start()
            assert waits.wait(10)
        return send(alert)

    monkeypatch.setattr("housing.alerts.folded.time.sleep", wait)
    monkeypatch.setattr(inner, "send", slow)

    sender().send(FAILED)
    others[0].join()

    assert inner.sent == [FAILED]
    clock.advance(HOUR)
    sender().send(FAILED)
    assert reasons(inner)[1].endswith("and 1 more like it since 12:00 UTC")


def test_a_claim_from_the_future_keeps_no_alert_back(
    sender: Sender, inner: FakeAlerts, clock: FakeClock
) -> None:
    inner.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        sender().send(FAILED)
    inner.raises = None
    clock.advance(-24 * HOUR)

    assert sender().send(FAILED)
    assert len(inner.sent) == 1


@pytest.mark.parametrize("is_down", [False, True])
def test_an_outage_after_the_claim_is_logged(
    faulty: FaultyS3, inner: FakeAlerts, caplog: pytest.LogCaptureFixture, *, is_down: bool
) -> None:
    network: Any = faulty
    inner.is_down = is_down
    faulty.fail("put_object", as_it_is, *[unsent] * 20)

    assert FoldedAlerts(inner, network, BUCKET).send(FAILED) is not is_down

    assert "alert_not_folded" in caplog.text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"since": "yesterday"}'])
def test_a_garbled_record_is_overwritten_and_stops_no_alert(
    sender: Sender, inner: FakeAlerts, s3: "S3Client", content: bytes
) -> None:
    sender().send(FAILED)
    [key] = stored(s3)
    s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    sender().send(FAILED)
    sender().send(FAILED)

    assert len(inner.sent) == 2


def test_a_record_from_the_future_keeps_no_alert_back(
    sender: Sender, inner: FakeAlerts, clock: FakeClock
) -> None:
    sender().send(FAILED)
    clock.advance(-24 * HOUR)

    sender().send(FAILED)

    assert len(inner.sent) == 2


def test_a_bucket_that_cannot_tell_keeps_no_alert_back(
    s3: "S3Client", inner: FakeAlerts, caplog: pytest.LogCaptureFixture
) -> None:
    alerts = FoldedAlerts(inner, s3, "no-such-bucket")

    assert alerts.send(FAILED)
    assert alerts.send(FAILED)

    assert len(inner.sent) == 2
    assert "alert_not_folded" in caplog.text


def test_a_record_that_is_always_taken_by_others_keeps_no_alert_back(
    sender: Sender, inner: FakeAlerts, s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing.alerts.folded.time.sleep", lambda _: None)
    sender().send(FAILED)
    [key] = stored(s3)
    contents = (b"{}" + b" " * count for count in range(1_000))

    def take(**_: Any) -> None:
        s3.put_object(Bucket=BUCKET, Key=key, Body=next(contents))

    s3.meta.events.register("after-call.s3.GetObject", take)
    try:
        assert sender().send(FAILED)
    finally:
        s3.meta.events.unregister("after-call.s3.GetObject", take)

    assert len(inner.sent) == 2
