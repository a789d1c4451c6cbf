"""Parts that no snapshot holds: excluded or held, and included again, in the ledger."""

from typing import TYPE_CHECKING, Any

import pytest

from housing.registry.exclusions import EXCLUSIONS, Exclusions
from housing.registry.ledger import Decision, Ledger

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"


class DiedError(Exception):
    """Stands for the process's end."""


@pytest.fixture
def exclusions(s3: "S3Client", ledger: Ledger) -> Exclusions:
    return Exclusions(s3, BUCKET, ledger)


def entries(ledger: Ledger) -> list[tuple[str, str | None, str | None, str]]:
    decisions = [entry for entry in reversed(ledger.newest(99)) if isinstance(entry, Decision)]
    return [(entry.kind, entry.part, entry.job_id, entry.who) for entry in decisions]


def test_a_stack_without_the_list_excludes_nothing(exclusions: Exclusions) -> None:
    assert exclusions.load() == {}


def test_a_part_is_out_until_it_is_included_and_the_ledger_says_both(
    exclusions: Exclusions, ledger: Ledger
) -> None:
    assert exclusions.exclude("0a1b", "excluded", job_id="job-1", who="anna", why="wrong unit")
    exclusions.exclude("2c3d", "held", job_id="job-2", who="training job 2", why="low prices")
    (first, second) = (exclusions.load()[part] for part in ("0a1b", "2c3d"))
    assert (first.state, first.job_id, first.who, first.why) == (
        "excluded",
        "job-1",
        "anna",
        "wrong unit",
    )
    assert second.state == "held"

    assert exclusions.include("0a1b", who="ben", why="it was right")

    assert set(exclusions.load()) == {"2c3d"}
    assert entries(ledger) == [
        ("data_excluded", "0a1b", "job-1", "anna"),
        ("data_held", "2c3d", "job-2", "training job 2"),
        ("data_included", "0a1b", "job-1", "ben"),
    ]


def test_a_repeated_decision_changes_and_writes_nothing(
    exclusions: Exclusions, ledger: Ledger
) -> None:
    exclusions.exclude("0a1b", "excluded", job_id="job-1", who="anna", why="wrong unit")
    before = exclusions.load()

    assert not exclusions.exclude("0a1b", "excluded", job_id="job-1", who="ben", why="me too")
    assert not exclusions.exclude("0a1b", "held", job_id="job-1", who="job", why="low prices")
    assert not exclusions.include("ffff", who="ben", why="why not")

    assert exclusions.load() == before
    assert len(entries(ledger)) == 1


def test_a_person_may_exclude_what_a_job_held(exclusions: Exclusions) -> None:
    exclusions.exclude("0a1b", "held", job_id="job-1", who="job", why="low prices")

    assert exclusions.exclude("0a1b", "excluded", job_id="job-1", who="anna", why="poison")

    assert exclusions.load()["0a1b"].state == "excluded"


def test_the_notice_says_since_when_by_whom_why_and_how_it_ends(exclusions: Exclusions) -> None:
    exclusions.exclude("0a1b", "excluded", job_id="job-1", who="anna", why="wrong unit")

    notice = exclusions.load()["0a1b"].notice
    assert notice.startswith("excluded since 20")
    assert notice.endswith("UTC by anna (wrong unit): housing data include job-1")


@pytest.mark.parametrize("call", ["exclude", "include"])
def test_an_interrupted_decision_is_completed_by_the_next_holder(
    exclusions: Exclusions,
    ledger: Ledger,
    s3: "S3Client",
    monkeypatch: pytest.MonkeyPatch,
    call: str,
) -> None:
    def exclude(part: str = "0a1b") -> None:
        exclusions.exclude(part, "excluded", job_id="job-1", who="anna", why="wrong unit")

    def include() -> None:
        exclusions.include("2c3d", who="ben", why="right")

    exclude("2c3d")
    act, real = {"exclude": exclude, "include": include}[call], s3.put_object

    def dying(**named: Any) -> Any:
        if named["Key"] == EXCLUSIONS:
            raise DiedError
        return real(**named)

    with monkeypatch.context() as patch:
        patch.setattr(s3, "put_object", dying)
        with pytest.raises(DiedError):
            act()
    assert set(exclusions.load()) == {"2c3d"}

    for _ in range(2):  # twice does no harm
        ledger.finish_decisions({"data": exclusions.apply, "promotion": _unexpected})

    assert set(exclusions.load()) == ({"0a1b", "2c3d"} if call == "exclude" else set())


def _unexpected(_: object) -> None:
    raise AssertionError
