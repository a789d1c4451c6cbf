"""A model's file that lies in S3 itself is read from there; whatever fails is an artifact error."""

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from housing.errors import ArtifactError
from housing.s3 import bodies
from housing.s3.artifacts import S3ArtifactReader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "housing-test"
CONTENT = bytes(range(256)) * 100


@pytest.mark.parametrize("folder", ["artifacts/1/model", "a folder/50%25/#1?x", "m"])
@pytest.mark.parametrize("end", ["", "/"])
def test_a_file_is_read_byte_for_byte(s3: "S3Client", folder: str, end: str) -> None:
    s3.put_object(Bucket=BUCKET, Key=f"{folder}/model.onnx", Body=CONTENT)

    content = S3ArtifactReader(lambda: s3)(f"s3://{BUCKET}/{folder}{end}", "model.onnx")

    assert content == CONTENT


@pytest.mark.parametrize("bucket", [BUCKET, "nobodys-bucket"])
def test_a_file_that_is_not_there_is_an_artifact_error(s3: "S3Client", bucket: str) -> None:
    with pytest.raises(ArtifactError, match=bucket):
        S3ArtifactReader(lambda: s3)(f"s3://{bucket}/artifacts/1", "model.onnx")


def test_a_file_that_would_fill_the_memory_is_not_read(
    s3: "S3Client", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "MOST_BYTES", len(CONTENT) - 1)
    s3.put_object(Bucket=BUCKET, Key="1/model.onnx", Body=CONTENT)

    with pytest.raises(ArtifactError, match="has over 25,599 bytes"):
        S3ArtifactReader(lambda: s3)(f"s3://{BUCKET}/1", "model.onnx")


@pytest.mark.parametrize("uri", ["s3://", "s3:///folder", "s3://Not_A Bucket/folder"])
def test_a_location_that_makes_no_sense_is_an_artifact_error(s3: "S3Client", uri: str) -> None:
    with pytest.raises(ArtifactError):
        S3ArtifactReader(lambda: s3)(uri, "model.onnx")


def test_importing_the_registry_and_the_readers_does_not_import_boto3() -> None:
    modules = "housing.registry.mlflow, housing.s3.artifacts, housing.registry.last_promoted"
    code = f"import sys, {modules}; print('boto3' in sys.modules, 'botocore' in sys.modules)"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.split() == ["False", "False"]
