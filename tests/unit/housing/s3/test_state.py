"""A document of one state: read, changed and written back, and no change is lost."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel

from housing.errors import ObjectDeniedError, ObjectError
from housing.s3.state import StateDocument

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET, KEY = "housing-test", "models/counts.json"


class Counts(BaseModel):
    """How often something was counted, by name."""

    of: dict[str, int] = {}

    def plus(self, name: str) -> "Counts":
        return Counts(of={**self.of, name: self.of.get(name, 0) + 1})


@pytest.fixture
def document(s3: "S3Client") -> StateDocument[Counts]:
    return StateDocument(s3, BUCKET, KEY, Counts)


def test_where_there_is_none_the_defaults_hold(document: StateDocument[Counts]) -> None:
    assert document.load() == Counts()


def test_a_change_is_there_for_the_next_reader(document: StateDocument[Counts]) -> None:
    assert document.change(lambda counts: counts.plus("a")) == Counts(of={"a": 1})
    document.change(lambda counts: counts.plus("b"))

    assert document.load() == Counts(of={"a": 1, "b": 1})


def test_a_step_that_changes_nothing_writes_nothing(
    document: StateDocument[Counts], s3: "S3Client"
) -> None:
    assert document.change(lambda counts: counts) == Counts()

    assert s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


@pytest.mark.parametrize("is_there", [True, False])
def test_a_change_of_another_process_in_between_is_kept(
    document: StateDocument[Counts], s3: "S3Client", *, is_there: bool
) -> None:
    if is_there:
        document.change(lambda counts: counts.plus("first"))
    other = StateDocument(s3, BUCKET, KEY, Counts)
    rivals = [lambda: other.change(lambda counts: counts.plus("theirs"))]

    def step(counts: Counts) -> Counts:
        if rivals:
            rivals.pop()()
        return counts.plus("ours")

    document.change(step)

    assert {"ours", "theirs"} <= set(document.load().of)


def test_endless_other_writers_are_an_error(
    document: StateDocument[Counts], s3: "S3Client"
) -> None:
    other = StateDocument(s3, BUCKET, KEY, Counts)

    def step(counts: Counts) -> Counts:
        other.change(lambda theirs: theirs.plus("theirs"))
        return counts.plus("ours")

    with pytest.raises(ObjectError, match="times in a row"):
        document.change(step)


def test_a_garbled_document_is_an_error(document: StateDocument[Counts], s3: "S3Client") -> None:
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b'{"of": 3}')

    with pytest.raises(ObjectError, match=r"counts\.json is not valid"):
        document.load()


@pytest.fixture
def denied(s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Answer reads as S3 does to a role that may not list the bucket: 403, whatever is there."""

    def deny() -> None:
        def refuse(**_: Any) -> Any:
            answer: Any = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
            raise ClientError(answer, "GetObject")

        monkeypatch.setattr(s3, "get_object", refuse)

    return deny


def test_a_refusal_counts_as_missing_where_nothing_is_listed(
    document: StateDocument[Counts], denied: Callable[[], None]
) -> None:
    denied()

    assert document.load() == Counts()


def test_a_refusal_of_what_is_there_is_an_error(
    document: StateDocument[Counts], denied: Callable[[], None]
) -> None:
    document.change(lambda counts: counts.plus("a"))
    denied()

    with pytest.raises(ObjectDeniedError):
        document.load()


def test_a_refusal_where_nothing_may_be_listed_either_is_an_error(
    document: StateDocument[Counts],
    s3: "S3Client",
    denied: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    denied()

    def refuse(*_: Any, **__: Any) -> Any:
        answer: Any = {"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}
        raise ClientError(answer, "ListObjectsV2")

    monkeypatch.setattr(s3, "get_paginator", refuse)

    with pytest.raises(ObjectError, match="cannot be listed"):
        document.load()
