from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_stack.deploy.deployment import slack_parameters


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="us-east-1")


def test_the_webhook_becomes_a_secret_and_its_host_the_only_one(secrets: Any) -> None:
    for path in ("old", "new"):
        url = f"http://127.0.0.1:9999/services/{path}"
        parameters = slack_parameters(secrets, stack_name="housing-local", webhook_url=url)

    assert parameters["SlackOrigin"] == "http://127.0.0.1:9999"
    kept = secrets.get_secret_value(SecretId=parameters["SlackSecretArn"])["SecretString"]
    assert kept == "http://127.0.0.1:9999/services/new"


def test_without_a_webhook_nothing_is_kept_and_nothing_deployed(secrets: Any) -> None:
    assert slack_parameters(secrets, stack_name="housing-local", webhook_url=None) == {}
    assert secrets.list_secrets()["SecretList"] == []
