"""A refused version is alerted on once, whichever process finds it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from moto import mock_aws

from fakes.alerts import FakeAlerts
from fakes.clock import FakeClock
from fakes.faulty_s3 import PASSING, Fault, FaultyS3, as_it_is, refused, unsent
from housing.registry.port import ModelVersion, Tag
from predict.model.refusals import CLAIM, AlertedRefusals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


@pytest.fixture
def s3(s3_client: "S3Client") -> "Iterator[S3Client]":
    with mock_aws():
        yield s3_client


def version(number: str, sha256: str) -> ModelVersion:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    return ModelVersion("housing", number, run_id="r", created_at=now, tags={Tag.SHA256: sha256})


REFUSED = version("8", "a" * 64)


def test_it_says_what_is_refused_why_and_what_to_do(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts = FakeAlerts()

    AlertedRefusals(s3, BUCKET, alerts)(version("8", "a" * 64), "its digest is wrong", "7")

    [alert] = alerts.sent
    assert (alert.event, alert.subject) == ("refused", "housing: version 8 is refused")
    assert alert.reason == "its digest is wrong; version 7 stays in use"
    assert "housing rollback" in alert.next_step


def test_processes_alert_once_for_each_version_and_digest(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts = FakeAlerts()
    for _ in range(3):
        tell = AlertedRefusals(s3, BUCKET, alerts)
        tell(version("8", "a" * 64), "why", "7")
        tell(version("8", "b" * 64), "why", "7")
        tell(version("9", ""), "why", None)

    assert [alert.facts["version"] for alert in alerts.sent] == ["8", "8", "9"]
    assert alerts.sent[-1].reason.endswith("no model is served")


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
@pytest.mark.parametrize("place", [0, 1])
def test_an_alert_that_met_itself_is_sent_once(
    s3: "S3Client", faulty: FaultyS3, fault: Fault, place: int
) -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts, network = FakeAlerts(), cast("S3Client", faulty)
    faulty.fail("put_object", *[as_it_is] * place, fault)

    assert AlertedRefusals(network, BUCKET, alerts)(REFUSED, "why", "7")
    assert AlertedRefusals(s3, BUCKET, alerts)(REFUSED, "why", "7")

    assert faulty.has_failed()
    assert len(alerts.sent) == 1


def test_an_alert_that_the_topic_did_not_take_is_sent_by_the_next_process(s3: "S3Client") -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts = FakeAlerts()
    alerts.is_down = True
    assert not AlertedRefusals(s3, BUCKET, alerts)(REFUSED, "why", "7")
    alerts.is_down = False

    assert AlertedRefusals(s3, BUCKET, alerts)(REFUSED, "why", "7")
    assert AlertedRefusals(s3, BUCKET, alerts)(REFUSED, "why", "7")

    assert len(alerts.sent) == 1


def test_a_process_that_dies_leaves_the_alert_to_the_next_one_once_its_claim_is_over(
    s3: "S3Client",
) -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts, clock = FakeAlerts(), FakeClock()

    alerts.raises = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        AlertedRefusals(s3, BUCKET, alerts, clock)(REFUSED, "why", "7")
    alerts.raises = None

    assert not AlertedRefusals(s3, BUCKET, alerts, clock)(REFUSED, "why", "7")
    clock.advance(CLAIM.total_seconds())
    assert AlertedRefusals(s3, BUCKET, alerts, clock)(REFUSED, "why", "7")

    assert len(alerts.sent) == 1


def test_a_thread_that_was_frozen_longer_than_its_claim_leaves_it_to_the_others(
    s3: "S3Client", faulty: FaultyS3
) -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts, clock, network = FakeAlerts(), FakeClock(), cast("S3Client", faulty)

    def freeze(call: Callable[[], Any]) -> Any:
        answer = call()
        clock.advance(CLAIM.total_seconds())
        assert AlertedRefusals(s3, BUCKET, alerts, clock)(REFUSED, "why", "7")
        return answer

    faulty.fail("put_object", freeze)

    assert not AlertedRefusals(network, BUCKET, alerts, clock)(REFUSED, "why", "7")
    assert AlertedRefusals(network, BUCKET, alerts, clock)(REFUSED, "why", "7")
    assert len(alerts.sent) == 1


def test_of_two_that_take_over_a_dead_claim_one_sends(s3: "S3Client", faulty: FaultyS3) -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts, clock, network = FakeAlerts(), FakeClock(), cast("S3Client", faulty)
    alerts.is_down = True
    AlertedRefusals(s3, BUCKET, alerts, clock)(REFUSED, "why", "7")
    alerts.is_down = False

    def after_another(call: Callable[[], Any]) -> Any:
        AlertedRefusals(s3, BUCKET, alerts, clock)(REFUSED, "why", "7")
        return call()

    faulty.fail("put_object", as_it_is, after_another)

    assert not AlertedRefusals(network, BUCKET, alerts, clock)(REFUSED, "why", "7")
    assert len(alerts.sent) == 1


@pytest.mark.parametrize(
    ("content", "messages"),
    [(b'{"version": "8", "why": "of an earlier release"}', 0), (b"", 1), (b"[]", 1)],
)
def test_a_foreign_object_counts_as_a_sent_refusal_or_as_none(
    s3: "S3Client", content: bytes, messages: int
) -> None:
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"models/refused/8-{'a' * 12}.json", Body=content)
    alerts = FakeAlerts()

    assert AlertedRefusals(s3, BUCKET, alerts)(REFUSED, "why", "7")

    assert len(alerts.sent) == messages


def test_a_mark_that_vanishes_is_looked_for_again(s3: "S3Client", faulty: FaultyS3) -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts, network = FakeAlerts(), cast("S3Client", faulty)
    AlertedRefusals(s3, BUCKET, alerts)(REFUSED, "why", "7")

    def gone(_call: Callable[[], Any]) -> Any:
        return refused(404, "NoSuchKey")(_call)

    faulty.fail("get_object", as_it_is, gone)

    assert not AlertedRefusals(network, BUCKET, alerts)(REFUSED, "why", "7")


def test_a_mark_that_cannot_be_set_is_logged(
    s3: "S3Client", faulty: FaultyS3, caplog: pytest.LogCaptureFixture
) -> None:
    s3.create_bucket(Bucket=BUCKET)
    alerts, network = FakeAlerts(), cast("S3Client", faulty)
    faulty.fail("put_object", as_it_is, *[unsent] * 20)

    assert AlertedRefusals(network, BUCKET, alerts)(REFUSED, "why", "7")

    assert "refusal_not_saved" in caplog.text


@pytest.mark.parametrize("bucket", [None, "no-such-bucket"])
def test_a_bucket_that_cannot_tell_keeps_no_alert_back(s3: "S3Client", bucket: str | None) -> None:
    alerts = FakeAlerts()

    AlertedRefusals(s3, bucket, alerts)(version("8", "a" * 64), "why", "7")

    assert len(alerts.sent) == 1
