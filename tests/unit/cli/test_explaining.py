"""Errors as one line that says what to do."""

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from pydantic import ValidationError

from housing.jobs.status import JobStatus
from housing_cli.explaining import explain


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")


def test_without_credentials_both_ways_to_get_some_are_named() -> None:
    line = explain(NoCredentialsError())

    assert "configure AWS, or run this in the checkout after `make run`" in line


def test_an_invalid_document_is_explained_by_its_kind_and_first_fault() -> None:
    with pytest.raises(ValidationError) as caught:
        JobStatus.model_validate_json("{}")

    assert explain(caught.value) == "JobStatus is not valid: Field required"


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("NoSuchBucket", "the bucket in HOUSING_BUCKET does not exist"),
        ("AccessDenied", "check the AWS settings and the permissions of the credentials"),
    ],
)
def test_a_refusal_of_aws_is_explained_with_advice(code: str, advice: str) -> None:
    assert advice in explain(refused(code))
