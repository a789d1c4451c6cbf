"""One at a time."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakes.atomic_s3 import AtomicS3
from fakes.clock import FakeClock
from fakes.faulty_s3 import PASSING, Fault, FaultyS3, as_it_is, late, lost, refused, unsent
from housing.errors import LeaseError, ObjectUnavailableError
from housing.s3.lease import Lease

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
KEY = "jobs/lease"
MakeLease = Callable[[str], Lease]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def lease(s3: "S3Client", clock: FakeClock) -> MakeLease:
    """Make leases of a minute, on one clock that moves while they wait."""

    def made(holder: str) -> Lease:
        return Lease(s3, BUCKET, KEY, holder=holder, seconds=60, clock=clock, sleep=clock.advance)

    return made


def ignore(_holder: str) -> None:
    """Take note of nobody."""


def test_a_free_lease_is_taken_at_once(lease: MakeLease) -> None:
    waited: list[str] = []

    with lease("a").held(wait_seconds=0, on_wait=waited.append):
        assert waited == []


def test_a_second_job_waits_for_the_first_and_knows_its_name(
    lease: MakeLease, clock: FakeClock
) -> None:
    waited: list[str] = []

    with (
        lease("a").held(wait_seconds=0, on_wait=ignore),
        pytest.raises(LeaseError, match="a held the lease for longer than 10 s"),
        lease("b").held(wait_seconds=10, on_wait=waited.append),
    ):
        pytest.fail("two hold the lease")

    assert set(waited) == {"a"}
    assert clock() >= FakeClock()() + timedelta(seconds=10)


def test_a_released_lease_goes_to_the_next(lease: MakeLease) -> None:
    with lease("a").held(wait_seconds=0, on_wait=ignore):
        pass

    with lease("b").held(wait_seconds=0, on_wait=ignore):
        pass


def test_a_lease_is_released_when_the_job_fails(lease: MakeLease) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        lease("a").held(wait_seconds=0, on_wait=ignore),
    ):
        _ = 1 / 0

    with lease("b").held(wait_seconds=0, on_wait=ignore):
        pass


def test_the_lease_of_a_dead_job_is_taken_over_when_it_ends(
    lease: MakeLease, s3: "S3Client", clock: FakeClock
) -> None:
    _leave_behind(s3, holder="dead", expires_at=clock() + timedelta(seconds=60))

    with lease("b").held(wait_seconds=120, on_wait=ignore):
        assert clock() >= FakeClock()() + timedelta(seconds=60)


def test_of_many_that_take_over_one_wins(s3: "S3Client", clock: FakeClock) -> None:
    _leave_behind(s3, holder="dead", expires_at=clock() - timedelta(seconds=1))
    atomic: Any = AtomicS3(s3)
    leases = [Lease(atomic, BUCKET, KEY, holder=str(number), seconds=60) for number in range(8)]
    start = threading.Barrier(len(leases))
    won: list[str | None] = []

    def take(mine: Lease) -> None:
        start.wait()
        won.append(mine._try_to_take())

    threads = [threading.Thread(target=take, args=(mine,)) for mine in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won.count(None) == 1


def test_a_lease_is_renewed_while_the_job_runs(s3: "S3Client") -> None:
    quick = Lease(s3, BUCKET, KEY, holder="a", seconds=0.4)

    with quick.held(wait_seconds=0, on_wait=ignore):
        first = quick._expires_at
        renewed = threading.Event()
        for _ in range(100):
            if quick._expires_at > first + timedelta(seconds=0.4):
                renewed.set()
                break
            renewed.wait(0.02)

        assert renewed.is_set()
        quick.check()


def test_a_lost_lease_is_an_error(lease: MakeLease, clock: FakeClock) -> None:
    mine = lease("a")

    with mine.held(wait_seconds=0, on_wait=ignore):
        mine.check()
        clock.advance(60)

        with pytest.raises(LeaseError, match="lost its lease"):
            mine.check()


def test_a_job_that_lost_its_lease_does_not_release_the_new_holders(
    lease: MakeLease, clock: FakeClock
) -> None:
    with lease("a").held(wait_seconds=0, on_wait=ignore):
        clock.advance(61)
        successor = lease("b").held(wait_seconds=0, on_wait=ignore)
        successor.__enter__()

    with (
        pytest.raises(LeaseError, match="b held"),
        lease("c").held(wait_seconds=0, on_wait=ignore),
    ):
        pytest.fail("two hold the lease")
    successor.__exit__(None, None, None)


def test_a_lease_that_no_job_wrote_does_not_block_for_ever(
    lease: MakeLease, s3: "S3Client"
) -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"?")

    with lease("a").held(wait_seconds=0, on_wait=ignore):
        pass


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_lease_that_met_itself_is_taken_kept_and_given_back(
    s3: "S3Client", faulty: FaultyS3, clock: FakeClock, fault: Fault
) -> None:
    network: Any = faulty
    waited: list[str] = []
    mine = Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock, sleep=clock.advance)

    faulty.fail("put_object", fault)
    with mine.held(wait_seconds=0, on_wait=waited.append):
        clock.advance(50)
        faulty.fail("put_object", fault)
        assert mine._write_own()
        clock.advance(50)
        mine.check()
        faulty.fail("put_object", fault)

    assert faulty.has_failed()
    assert waited == []
    assert _expiry(s3) <= clock()


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_lease_of_another_stays_another_s(
    s3: "S3Client", faulty: FaultyS3, clock: FakeClock, fault: Fault
) -> None:
    network: Any = faulty
    mine = Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock, sleep=clock.advance)

    with mine.held(wait_seconds=0, on_wait=ignore):
        _leave_behind(s3, holder="b", expires_at=clock() + timedelta(seconds=60))
        faulty.fail("put_object", fault)
        assert not mine._write_own()
        faulty.fail("put_object", fault)

    assert _expiry(s3) == clock() + timedelta(seconds=60)


def test_a_renewal_that_was_given_up_on_and_came_through_is_ones_own(
    s3: "S3Client", faulty: FaultyS3, clock: FakeClock
) -> None:
    network: Any = faulty
    mine = Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock, sleep=clock.advance)

    with mine.held(wait_seconds=0, on_wait=ignore):
        faulty.fail("put_object", lost)
        faulty.fail("get_object", late)
        with pytest.raises(ObjectUnavailableError):
            mine._write_own()

        clock.advance(30)
        assert mine._write_own()
        clock.advance(50)
        mine.check()

    assert _expiry(s3) <= clock()


def test_an_outage_is_waited_for_like_another_holder(
    s3: "S3Client", faulty: FaultyS3, clock: FakeClock
) -> None:
    network: Any = faulty
    mine = Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock, sleep=clock.advance)
    faulty.fail("get_object", late, as_it_is, late)
    faulty.fail("put_object", lost)

    with mine.held(wait_seconds=10, on_wait=ignore):
        mine.check()
        with pytest.raises(LeaseError, match="a held"):
            Lease(
                s3, BUCKET, KEY, holder="b", seconds=60, clock=clock, sleep=clock.advance
            )._acquire(0, ignore)

    faulty.fail("get_object", late)
    with (
        pytest.raises(ObjectUnavailableError),
        Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock).held(
            wait_seconds=0, on_wait=ignore
        ),
    ):
        pytest.fail("held in an outage")


def test_a_bucket_that_cannot_be_listed_does_not_hide_a_free_lease(
    faulty: FaultyS3, clock: FakeClock
) -> None:
    network: Any = faulty
    faulty.fail("get_object", refused(403, "AccessDenied"))

    with Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock).held(
        wait_seconds=0, on_wait=ignore
    ):
        pass

    assert faulty.has_failed()


def test_a_lease_that_cannot_be_given_back_ends_by_itself(
    s3: "S3Client", faulty: FaultyS3, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    network: Any = faulty

    with Lease(network, BUCKET, KEY, holder="a", seconds=60, clock=clock).held(
        wait_seconds=0, on_wait=ignore
    ):
        faulty.fail("put_object", *[unsent] * 20)

    assert "lease_not_released" in caplog.text
    assert _expiry(s3) == clock() + timedelta(seconds=60)


def _expiry(s3: "S3Client") -> datetime:
    held = json.loads(s3.get_object(Bucket=BUCKET, Key=KEY)["Body"].read())
    return datetime.fromisoformat(held["expires_at"])


def _leave_behind(s3: "S3Client", *, holder: str, expires_at: datetime) -> None:
    body = f'{{"holder":"{holder}","expires_at":"{expires_at.astimezone(UTC):%FT%TZ}","nonce":"1"}}'
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=body.encode())
