"""Conditional writes: the content that stands has won, whatever became of the answer."""

import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from moto.core.models import botocore_stubber

from fakes.atomic_s3 import AtomicS3
from fakes.faulty_s3 import (
    BUSY,
    CAME_THROUGH,
    CONFLICT,
    PASSING,
    PRECONDITION,
    Fault,
    FaultyS3,
    cut,
    lost,
    refused,
    sent_twice,
    tampered,
    unsent,
)
from housing.errors import ObjectDeniedError, ObjectError, ObjectUnavailableError
from housing.s3.documents import Documents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
KEY = "jobs/one.json"


@pytest.fixture
def documents(faulty: FaultyS3) -> Documents:
    network: Any = faulty
    return Documents(network, BUCKET)


def content_of(s3: "S3Client", key: str = KEY) -> bytes:
    return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()


def test_a_document_comes_back_as_it_was_written(documents: Documents, s3: "S3Client") -> None:
    etag = documents.create(KEY, b"{}")

    document = documents.read(KEY)
    assert document is not None
    assert (document.content, document.etag, document.metadata) == (b"{}", etag, {})
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["ContentType"] == "application/json"
    assert document.written_at == s3.head_object(Bucket=BUCKET, Key=KEY)["LastModified"]


def test_a_document_that_is_not_there_is_none(documents: Documents) -> None:
    assert documents.read(KEY) is None


def test_only_the_first_creates_and_only_the_last_reader_replaces(documents: Documents) -> None:
    first = documents.create(KEY, b"1")
    assert first
    assert documents.create(KEY, b"2") is None

    second = documents.replace(KEY, b"3", etag=first)
    assert second
    assert documents.replace(KEY, b"4", etag=first) is None
    assert documents.replace(KEY, b"5", etag=second)


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("pair", [None, *PASSING])
def test_a_creation_survives_the_network(
    documents: Documents, faulty: FaultyS3, s3: "S3Client", name: str, pair: str | None
) -> None:
    faulty.fail("put_object", PASSING[name], *([PASSING[pair]] if pair else []))

    etag = documents.create(KEY, b"mine")

    assert content_of(s3) == b"mine"
    assert etag == s3.head_object(Bucket=BUCKET, Key=KEY)["ETag"]


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("pair", [None, *PASSING])
def test_a_replacement_survives_the_network(
    documents: Documents, faulty: FaultyS3, s3: "S3Client", name: str, pair: str | None
) -> None:
    before = documents.create(KEY, b"before")
    assert before
    faulty.fail("put_object", PASSING[name], *([PASSING[pair]] if pair else []))

    etag = documents.replace(KEY, b"mine", etag=before)

    assert content_of(s3) == b"mine"
    assert etag == s3.head_object(Bucket=BUCKET, Key=KEY)["ETag"]


@pytest.mark.parametrize("name", PASSING)
def test_another_s_document_is_not_taken_for_ones_own(
    documents: Documents, faulty: FaultyS3, s3: "S3Client", name: str
) -> None:
    before = documents.create(KEY, b"before")
    assert before
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"another's")

    faulty.fail("put_object", PASSING[name])
    assert documents.replace(KEY, b"mine", etag=before) is None
    faulty.fail("put_object", PASSING[name])
    assert documents.create(KEY, b"mine") is None

    assert faulty.has_failed()
    assert content_of(s3) == b"another's"


@pytest.mark.parametrize("mode", ["legacy", "standard", "adaptive"])
@pytest.mark.parametrize("attempts", [1, 3])
def test_a_write_survives_whatever_boto3_does_when_its_answer_is_lost(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch, mode: str, attempts: int
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    retries: Any = {"mode": mode, "total_max_attempts": attempts}
    client = boto3.client("s3", region_name="us-east-1", config=Config(retries=retries))
    sent: list[str] = []

    def lose_first_answer(event_name: str, request: Any, **given: Any) -> Any:
        sent.append(request.method)
        answer = botocore_stubber(event_name, request, **given)
        if len(sent) == 1:
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    client.meta.events.register_first("before-send.s3.PutObject", lose_first_answer)

    etag = Documents(client, BUCKET).create(KEY, b"mine")

    assert etag == s3.head_object(Bucket=BUCKET, Key=KEY)["ETag"]
    assert len(sent) == min(attempts, 2)


LOOKS = {
    "unsent": unsent,
    "409": CONFLICT,
    "412": PRECONDITION,
    "503": BUSY,
    "cut": cut(0.5),
    "tampered": tampered,
    "lost": lost,
}


@pytest.mark.parametrize("name", LOOKS)
def test_the_look_at_what_stands_survives_the_network_too(
    documents: Documents, faulty: FaultyS3, name: str
) -> None:
    faulty.fail("put_object", sent_twice)
    faulty.fail("get_object", LOOKS[name])

    assert documents.create(KEY, b"mine")
    assert faulty.has_failed()


def test_a_document_that_vanished_is_created_and_not_replaced(
    documents: Documents, faulty: FaultyS3, s3: "S3Client"
) -> None:
    before = documents.create(KEY, b"before")
    assert before

    def vanishing(call: Any) -> Any:
        try:
            return call()
        finally:
            s3.delete_object(Bucket=BUCKET, Key=KEY)

    faulty.fail("put_object", vanishing)
    assert documents.create(KEY, b"mine")
    assert content_of(s3) == b"mine"

    s3.delete_object(Bucket=BUCKET, Key=KEY)
    assert documents.replace(KEY, b"again", etag=before) is None
    assert documents.read(KEY) is None


def test_a_key_that_may_not_be_listed_is_denied_to_readers_and_can_be_created(
    documents: Documents, faulty: FaultyS3
) -> None:
    denied = refused(403, "AccessDenied")
    faulty.fail("get_object", denied)
    with pytest.raises(ObjectDeniedError, match=KEY):
        documents.read(KEY)

    faulty.fail("put_object", unsent)
    faulty.fail("get_object", denied)
    assert documents.create(KEY, b"mine")
    assert faulty.has_failed()


@pytest.mark.parametrize("name", ["unsent", "409", "412", "503"])
def test_an_outage_is_an_error_and_no_verdict(
    documents: Documents, faulty: FaultyS3, name: str
) -> None:
    faulty.fail("put_object", *itertools.repeat(PASSING[name], 50))

    with pytest.raises(ObjectUnavailableError, match=f"{BUCKET}/{KEY} cannot be written"):
        documents.create(KEY, b"mine")

    assert faulty.calls.count("put_object") < 10


def test_no_try_begins_after_the_time_of_all(
    documents: Documents, faulty: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("housing.s3.documents._TRY_WITHIN_SECONDS", -1.0)
    faulty.fail("put_object", unsent, unsent)

    with pytest.raises(ObjectUnavailableError):
        documents.create(KEY, b"mine")

    assert faulty.calls.count("put_object") == 1


@pytest.mark.parametrize("code", ["AccessDenied", "NoSuchBucket", "InvalidRequest"])
def test_a_refusal_is_an_error_at_once(documents: Documents, faulty: FaultyS3, code: str) -> None:
    faulty.fail("put_object", refused(400, code))

    with pytest.raises(ObjectError, match=code):
        documents.create(KEY, b"mine")

    assert faulty.calls == ["put_object"]


def test_an_error_of_another_kind_is_not_taken_for_one_of_the_network(
    documents: Documents, faulty: FaultyS3
) -> None:
    def broken(_call: Any) -> Any:
        raise ZeroDivisionError

    faulty.fail("put_object", broken)

    with pytest.raises(ZeroDivisionError):
        documents.create(KEY, b"mine")


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_document_that_may_be_written_over_survives_too(
    documents: Documents, faulty: FaultyS3, s3: "S3Client", fault: Fault
) -> None:
    documents.create(KEY, b"before")
    faulty.fail("put_object", fault)

    assert documents.overwrite(KEY, b"mine") == s3.head_object(Bucket=BUCKET, Key=KEY)["ETag"]
    assert content_of(s3) == b"mine"


@pytest.mark.parametrize("name", PASSING)
def test_a_file_is_kept_whatever_the_network_does(
    documents: Documents, faulty: FaultyS3, s3: "S3Client", tmp_path: Path, name: str
) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"rows" * 1000)
    faulty.fail("put_object", PASSING[name])

    was_written = documents.keep_file("dataset/1.parquet", path, metadata={"job-id": "1"})

    assert was_written is (name not in CAME_THROUGH)
    assert content_of(s3, "dataset/1.parquet") == path.read_bytes()
    assert not documents.keep_file("dataset/1.parquet", path, metadata={"job-id": "2"})
    assert s3.head_object(Bucket=BUCKET, Key="dataset/1.parquet")["Metadata"] == {"job-id": "1"}


def test_a_file_of_which_nothing_is_known_is_an_error(
    documents: Documents, faulty: FaultyS3, tmp_path: Path
) -> None:
    path = tmp_path / "part"
    path.write_bytes(b"rows")
    faulty.fail("put_object", CONFLICT)
    faulty.fail("get_paginator", *itertools.repeat(unsent, 50))

    with pytest.raises(ObjectUnavailableError, match="part-1 cannot be listed"):
        documents.keep_file("part-1", path, metadata={})


def test_of_many_writers_over_one_document_one_wins(s3: "S3Client") -> None:
    atomic: Any = AtomicS3(s3)
    before = Documents(s3, BUCKET).create(KEY, b"before")
    assert before
    won: list[bytes] = []
    start = threading.Barrier(8)

    def write(content: bytes) -> None:
        start.wait()
        if Documents(atomic, BUCKET).replace(KEY, content, etag=before):
            won.append(content)

    writers = [threading.Thread(target=write, args=(b"%d" % number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert won == [content_of(s3)]
