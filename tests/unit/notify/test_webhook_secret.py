"""The webhook's URL: where it is read from, how often, and which ones are refused."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from moto import mock_aws

from notify.errors import SecretUnavailableError, WebhookInvalidError
from notify.slack import WebhookSecret

URL = "https://hooks.slack.com/services/T0/B0/secret"
NAME = "slack-webhook"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("secretsmanager", region_name="us-east-1")


Put = Callable[[str], None]


@pytest.fixture
def put(secrets: Any) -> Put:
    """Write the secret, for the first time or anew."""
    secrets.create_secret(Name=NAME, SecretString="none")

    def written(text: str) -> None:
        secrets.put_secret_value(SecretId=NAME, SecretString=text)

    return written


@pytest.fixture
def webhook(secrets: Any) -> WebhookSecret:
    return WebhookSecret(
        SecretsProvider(boto3_client=secrets),
        NAME,
        origin="https://hooks.slack.com",
        ttl_seconds=300,
    )


@pytest.mark.parametrize("text", [URL, f" {URL}\n", f'{{"webhook_url": "{URL}", "channel": "x"}}'])
def test_the_secret_holds_the_bare_url_or_json(put: Put, webhook: WebhookSecret, text: str) -> None:
    put(text)

    assert webhook.url() == URL


def test_a_url_is_cached_and_read_again_on_request(put: Put, webhook: WebhookSecret) -> None:
    put(URL)
    webhook.url()
    put(f"{URL}2")

    assert webhook.url() == URL
    assert webhook.url(fresh=True) == f"{URL}2"


@pytest.mark.parametrize(
    "text",
    [
        "http://hooks.slack.com/services/T0/B0/secret",
        "https://hooks.slack.com.evil.test/services/T0/B0/secret",
        "https://hooks.slack.com@evil.test/services/T0/B0/secret",
        "https://hooks.slack.com:8443/services/T0/B0/secret",
        "//hooks.slack.com/services/T0/B0/secret",
        "https://hooks.slack.com/services/T0 /B0/secret",
        "https://[hooks.slack.com/services/secret",
        "file:///etc/secret",
        "xoxb-secret",
        '{"url": "https://hooks.slack.com/services/T0/B0/secret"}',
        '{"webhook_url": ["secret"]}',
        "{secret",
    ],
)
def test_any_other_url_is_refused_and_not_shown(
    put: Put, webhook: WebhookSecret, text: str
) -> None:
    put(text)

    with pytest.raises(WebhookInvalidError) as caught:
        webhook.url()

    assert "holds no webhook at https://hooks.slack.com" in str(caught.value)
    assert "T0" not in str(caught.value)
    assert "xoxb" not in str(caught.value)


def test_a_secret_that_was_put_right_is_not_refused_any_longer(
    put: Put, webhook: WebhookSecret
) -> None:
    put("nonsense")
    with pytest.raises(WebhookInvalidError):
        webhook.url()
    put(URL)

    assert webhook.url() == URL


def test_a_secret_that_is_not_there_may_come(secrets: Any, webhook: WebhookSecret) -> None:
    with pytest.raises(SecretUnavailableError, match=NAME):
        webhook.url()

    secrets.create_secret(Name=NAME, SecretString=URL)
    assert webhook.url() == URL
