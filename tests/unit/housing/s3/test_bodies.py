"""A body is whole or an error, and a broken one is read again."""

import base64
import hashlib
import io
import subprocess
import sys
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import MockRawResponse
from urllib3.exceptions import ProtocolError

from fakes.clock import FakeClock
from fakes.faulty_s3 import (
    BUSY,
    Fault,
    FaultyS3,
    cut,
    late,
    refused,
    tampered,
    unchecked_body,
    unsent,
)
from housing.errors import (
    ObjectDeniedError,
    ObjectError,
    ObjectMissingError,
    ObjectTooLargeError,
    ObjectUnavailableError,
)
from housing.s3.bodies import read_body, save_body

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
KEY = "new_data/a.csv"
CONTENT = b"".join(b"%d,row\n" % number for number in range(200_000))
Read = Callable[[Any], bytes]


@pytest.fixture(autouse=True)
def stored(s3: "S3Client", faulty: FaultyS3) -> None:  # noqa: ARG001 - it ends the pauses
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT, Metadata={"data-source": "test"})


@pytest.fixture(params=["memory", "file"])
def read(request: pytest.FixtureRequest, tmp_path: Path) -> Read:
    """Read the object in one of the two ways."""

    def saved(s3: Any) -> bytes:
        path = tmp_path / "body"
        facts = save_body(s3, BUCKET, KEY, path, most_bytes=len(CONTENT))
        assert facts.size_bytes == path.stat().st_size
        return path.read_bytes()

    return saved if request.param == "file" else lambda s3: read_body(s3, BUCKET, KEY).content


def test_a_body_comes_with_the_facts_of_its_object(s3: "S3Client", faulty: FaultyS3) -> None:
    head = s3.head_object(Bucket=BUCKET, Key=KEY)

    body = read_body(s3, BUCKET, KEY)

    assert body.content == CONTENT
    assert (body.etag, body.written_at) == (head["ETag"], head["LastModified"])
    assert body.metadata == {"data-source": "test"}
    assert faulty.calls == []


BROKEN: Mapping[str, Fault] = {
    "cut half-way": cut(0.5),
    "cut before its first byte": cut(0),
    "tampered": tampered,
    "busy": BUSY,
    "unreached": unsent,
    "refused for no reason": refused(412, "PreconditionFailed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_body_is_read_again(read: Read, faulty: FaultyS3, name: str) -> None:
    faulty.fail("get_object", BROKEN[name], BROKEN[name])

    assert read(faulty) == CONTENT
    assert faulty.calls == ["get_object"] * 3


@pytest.mark.parametrize("name", BROKEN)
def test_one_that_is_always_broken_is_an_error(read: Read, faulty: FaultyS3, name: str) -> None:
    faulty.fail("get_object", *[BROKEN[name]] * 20)

    with pytest.raises(ObjectUnavailableError, match=f"s3://{BUCKET}/{KEY} cannot be read"):
        read(faulty)

    assert len(faulty.calls) < 10


def breaking(error: Exception) -> Fault:
    """Have the body fail after its first piece."""

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell():
                raise error
            return super().read(100 if size is None else min(size, 100))

    def fault(call: Callable[[], Any]) -> Any:
        answer = call()
        return answer | {"Body": unchecked_body(Breaking(answer["Body"].read()))}

    return fault


@pytest.mark.parametrize(
    "error", [ProtocolError("reset"), ReadTimeoutError(endpoint_url="https://s3")], ids=repr
)
def test_a_connection_that_fails_within_the_body_is_made_again(
    read: Read, faulty: FaultyS3, error: Exception
) -> None:
    faulty.fail("get_object", breaking(error))

    assert read(faulty) == CONTENT


def test_an_error_that_is_not_the_network_s_is_raised(read: Read, faulty: FaultyS3) -> None:
    faulty.fail("get_object", breaking(ZeroDivisionError()))

    with pytest.raises(ZeroDivisionError):
        read(faulty)


def test_a_server_that_takes_all_of_the_client_s_time_is_asked_once(
    read: Read, faulty: FaultyS3
) -> None:
    faulty.fail("get_object", late, late)

    with pytest.raises(ObjectUnavailableError):
        read(faulty)

    assert faulty.calls == ["get_object"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, "NoSuchKey", ObjectMissingError),
        (404, "NoSuchVersion", ObjectMissingError),
        (403, "AccessDenied", ObjectDeniedError),
        (404, "NoSuchBucket", ObjectError),
    ],
)
def test_a_refusal_says_why(
    read: Read, faulty: FaultyS3, status: int, code: str, error: type[ObjectError]
) -> None:
    faulty.fail("get_object", refused(status, code))

    with pytest.raises(error, match=KEY) as raised:
        read(faulty)

    assert type(raised.value) is error
    assert faulty.calls == ["get_object"]


@pytest.mark.parametrize("status", [404, 412])
def test_a_refusal_that_carries_a_checksum_is_an_error_of_the_bucket(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    client = boto3.client("s3", region_name="us-east-1")

    def refuse(request: Any, **_: Any) -> Any:
        headers: Any = {"x-amz-checksum-crc32": CRC32, "Content-Length": "4"}
        return AWSResponse(request.url, status, headers, MockRawResponse(b"<no>"))

    hook: Any = refuse
    client.meta.events.register_first("before-send.s3.GetObject", hook)

    with pytest.raises(ObjectUnavailableError, match=KEY):
        read_body(client, BUCKET, KEY)

    assert read_body(s3, BUCKET, KEY).content == CONTENT


class OneAnswerS3:
    """An S3 with one object, whose answer has the given fields."""

    def __init__(self, content: bytes, **fields: Any) -> None:
        self._content = content
        self._fields = {"ETag": '"no-md5"', "LastModified": FakeClock()(), **fields}

    def get_object(self, **_: Any) -> Any:
        """Answer the one answer."""
        return {"Body": unchecked_body(io.BytesIO(self._content)), **self._fields}


def encoded(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


CRC32 = encoded(zlib.crc32(CONTENT).to_bytes(4, "big"))
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
CHECKSUMS: Mapping[str, dict[str, Any]] = {
    "CRC32": {"ChecksumCRC32": CRC32},
    "CRC32 of all parts": {"ChecksumCRC32": CRC32, "ChecksumType": "FULL_OBJECT"},
    "SHA-1": {"ChecksumSHA1": encoded(hashlib.sha1(CONTENT, usedforsecurity=False).digest())},
    "SHA-256": {"ChecksumSHA256": encoded(hashlib.sha256(CONTENT).digest())},
    "ETag": {"ETag": f'"{MD5}"'},
    "ETag beside an unknown checksum": {"ETag": f'"{MD5}"', "ChecksumCRC64NVME": "AAAA"},
    "length": {"ContentLength": len(CONTENT)},
}


@pytest.mark.parametrize("name", CHECKSUMS)
def test_a_body_is_compared_with_each_checksum_alone(read: Read, name: str) -> None:
    assert read(OneAnswerS3(CONTENT, **CHECKSUMS[name])) == CONTENT

    changed = CONTENT[:-1] if name == "length" else CONTENT[:-1] + b"?"
    with pytest.raises(ObjectUnavailableError):
        read(OneAnswerS3(changed, **CHECKSUMS[name]))


@pytest.mark.parametrize(
    "fields",
    [
        {"ChecksumCRC32": "AAAAAA==-2"},
        {"ChecksumCRC32": "AAAAAA==", "ChecksumType": "COMPOSITE"},
        {"ETag": f'"{"0" * 32}-2"'},
        {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms"},
        {"ETag": f'"{"0" * 32}"', "ServerSideEncryption": "aws:kms:dsse"},
        {"ETag": f'"{"0" * 32}"', "SSECustomerAlgorithm": "AES256"},
        {"ETag": f'"{"0" * 32}"', "StorageClass": "EXPRESS_ONEZONE"},
    ],
)
def test_a_checksum_of_something_else_is_not_compared(
    read: Read, fields: Mapping[str, Any]
) -> None:
    length = {"ContentLength": len(CONTENT)}

    assert read(OneAnswerS3(CONTENT, **length, **fields)) == CONTENT
    with pytest.raises(ObjectUnavailableError):
        read(OneAnswerS3(CONTENT[:-1], **length, **fields))


def test_a_body_that_can_be_compared_with_nothing_is_an_error(read: Read) -> None:
    with pytest.raises(ObjectUnavailableError, match="neither a length nor a checksum"):
        read(OneAnswerS3(CONTENT))


def test_a_body_of_several_parts_is_read(s3: "S3Client", read: Read) -> None:
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    part = s3.upload_part(Bucket=BUCKET, Key=KEY, UploadId=upload, PartNumber=1, Body=CONTENT)
    parts: Any = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket=BUCKET, Key=KEY, UploadId=upload, MultipartUpload=parts)

    assert read(s3) == CONTENT


@pytest.mark.parametrize("fields", [{"ContentLength": len(CONTENT)}, {"ETag": f'"{MD5}"'}])
def test_a_larger_body_than_is_wanted_is_not_read(tmp_path: Path, fields: dict[str, Any]) -> None:
    large: Any = OneAnswerS3(CONTENT, **fields)
    most = len(CONTENT) - 1

    with pytest.raises(ObjectTooLargeError, match=f"has over {most:,} bytes") as raised:
        read_body(large, BUCKET, KEY, most_bytes=most)
    with pytest.raises(ObjectTooLargeError):
        save_body(large, BUCKET, KEY, tmp_path / "body", most_bytes=most)
    assert list(tmp_path.iterdir()) == []

    assert raised.value.size_bytes > most


def test_one_version_or_one_etag_can_be_asked_for(s3: "S3Client", tmp_path: Path) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"old")
    new = s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"new")
    path = tmp_path / "body"

    assert read_body(s3, BUCKET, KEY, version_id=old["VersionId"]).content == b"old"
    etag = new["ETag"].strip('"')
    assert save_body(s3, BUCKET, KEY, path, etag=etag, most_bytes=9).etag == new["ETag"]
    with pytest.raises(ObjectMissingError, match="another ETag"):
        save_body(s3, BUCKET, KEY, path, etag=old["ETag"].strip('"'), most_bytes=9)


def test_a_file_that_cannot_be_written_is_not_taken_for_a_broken_body(
    faulty: FaultyS3, tmp_path: Path
) -> None:
    anything: Any = faulty

    with pytest.raises(OSError, match="nowhere"):
        save_body(anything, BUCKET, KEY, tmp_path / "nowhere/body", most_bytes=len(CONTENT))


def test_importing_bodies_and_documents_does_not_import_boto3() -> None:
    code = (
        "import sys, housing.s3.bodies, housing.s3.documents;"
        "print('boto3' in sys.modules, 'botocore' in sys.modules, 'pydantic' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["False", "False", "False"]
