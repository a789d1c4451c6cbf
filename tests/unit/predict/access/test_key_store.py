"""The keys' document comes from a secret or from a parameter, and trouble is told as one error."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from housing.api_keys import ApiKeyDocument, Scope, new_key
from predict.access.key_store import StoredKeys, StoredSecret
from predict.errors import ApiKeysUnavailableError, StoreUnavailableError


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield


@pytest.fixture
def document() -> ApiKeyDocument:
    return ApiKeyDocument(keys=(new_key(Scope.PREDICT)[1],))


def test_a_secret_is_read_by_its_name_and_by_its_arn(document: ApiKeyDocument) -> None:
    made = boto3.client("secretsmanager").create_secret(
        Name="keys", SecretString=document.model_dump_json()
    )

    assert StoredKeys("keys")() == document
    assert StoredKeys(made["ARN"])() == document


def test_a_parameter_is_read_and_decrypted(document: ApiKeyDocument) -> None:
    boto3.client("ssm").put_parameter(
        Name="/housing/keys", Value=document.model_dump_json(), Type="SecureString"
    )

    assert StoredKeys("ssm:/housing/keys")() == document


def test_the_webhooks_secret_is_read_whole_and_an_empty_one_accepts_nothing() -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="hook", SecretString="shared\n")
    client.create_secret(Name="empty", SecretString=" ")

    assert StoredSecret("hook")() == "shared"
    for name in ("empty", "unknown"):
        with pytest.raises(StoreUnavailableError):
            StoredSecret(name)()


def test_a_second_fetch_sees_what_changed(document: ApiKeyDocument) -> None:
    client = boto3.client("secretsmanager")
    client.create_secret(Name="keys", SecretString='{"keys": []}')
    stored = StoredKeys("keys")
    assert stored() == ApiKeyDocument()

    client.put_secret_value(SecretId="keys", SecretString=document.model_dump_json())

    assert stored() == document


@pytest.mark.parametrize("text", ["", "[]", '{"keys": [{}]}', '{"keys": [{"id": "a"}]}'])
def test_an_invalid_document_of_keys_accepts_no_request(text: str) -> None:
    boto3.client("secretsmanager").create_secret(Name="keys", SecretString=text or "no json")

    with pytest.raises(ApiKeysUnavailableError):
        StoredKeys("keys")()


@pytest.mark.parametrize("reference", ["missing", "ssm:/missing"])
def test_a_missing_key_store_accepts_no_request(reference: str) -> None:
    with pytest.raises(ApiKeysUnavailableError, match="missing"):
        StoredKeys(reference)()
