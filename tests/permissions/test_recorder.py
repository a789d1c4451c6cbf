"""The recorder knows whose call a call is, and one that the table lacks is named."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from housing_ops.checkout import CHECKOUT
from permissions.judging import unknown_of
from permissions.recorder import Recorder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator["S3Client"]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="housing-test")
        yield client


def code_at(path: str, expression: str) -> Callable[..., Any]:
    """Return a function of the product that evaluates an expression over ``s3`` and ``more``."""
    names: dict[str, Any] = {}
    text = f"def call(s3, more=None):\n    return {expression}\n"
    exec(compile(text, f"{CHECKOUT}/{path}", "exec"), names)  # noqa: S102 - written here
    made: Callable[..., Any] = names["call"]
    return made


def test_a_call_that_the_table_lacks_is_named_with_its_role(
    s3: "S3Client", calls_of_aws: Recorder
) -> None:
    put = "s3.put_object(Bucket='housing-test', Key='dataset/x.parquet', Body=b'')"

    code_at("functions/predict/new.py", put)(s3)
    code_at("functions/retrain/training/new.py", put)(s3)

    predict, job = sorted(unknown_of(calls_of_aws.taken()), reverse=True)
    assert predict.startswith("predict asks for Call(action='s3:PutObject'")
    assert job.startswith("job asks for Call(action='s3:PutObject'")  # not without If-None-Match


def test_of_two_functions_with_one_package_a_call_is_the_one_that_may_change_things(
    s3: "S3Client", calls_of_aws: Recorder
) -> None:
    put = "s3.put_object(Bucket='housing-test', Key='ledger/1.json', Body=b'')"
    changing = code_at("functions/predict/admin/model_changes.py", put)

    code_at("functions/predict/handler.py", "more(s3)")(s3, changing)
    code_at("functions/predict/handler.py", put)(s3)

    admin, predict = calls_of_aws.taken()
    assert (admin.role, predict.role) == ("admin", "predict")
    assert unknown_of([admin])[0].startswith("admin asks for")  # not without If-None-Match


def test_a_call_of_the_table_is_known(s3: "S3Client", calls_of_aws: Recorder) -> None:
    put = "s3.put_object(Bucket='housing-test', Key='dataset/x.parquet', Body=b'', IfNoneMatch='*')"

    code_at("functions/retrain/training/new.py", put)(s3)

    [call] = calls_of_aws.taken()
    assert (call.role, call.operation) == ("job", "PutObject")
    assert unknown_of([call]) == []


def test_reading_what_is_not_there_has_to_be_foreseen(
    s3: "S3Client", calls_of_aws: Recorder
) -> None:
    read = code_at("functions/predict/new.py", "s3.get_object(Bucket='housing-test', Key=more)")
    s3.put_object(Bucket="housing-test", Key="models/1-0f/model.onnx", Body=b"")

    read(s3, "models/1-0f/model.onnx")
    for key in ("models/2-0f/model.onnx", "models/promotion.json"):
        with pytest.raises(ClientError):
            read(s3, key)

    [unknown] = unknown_of(calls_of_aws.taken())
    assert "models/2-0f/model.onnx" in unknown


def test_calls_of_transfer_threads_count_for_the_waiting_role(
    s3: "S3Client", calls_of_aws: Recorder, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(b"a\n")

    code_at(
        "functions/retrain/training/new.py",
        "s3.upload_file(more, 'housing-test', 'rejected/1/rows.csv')",
    )(s3, str(path))

    [call] = calls_of_aws.taken()
    assert (call.role, call.operation) == ("job", "PutObject")


def test_a_tests_own_calls_are_not_recorded(s3: "S3Client", calls_of_aws: Recorder) -> None:
    def delete() -> None:
        s3.delete_object(Bucket="housing-test", Key="jobs/1.json")

    delete()
    code_at("functions/retrain/new.py", "more()")(s3, delete)

    assert calls_of_aws.taken() == []
