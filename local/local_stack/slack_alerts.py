"""Alerts of the local stack in Slack, where a webhook is given: its secret, and the parameters."""

import contextlib
from typing import Any
from urllib.parse import urlsplit


def slack_parameters(secrets: Any, *, stack_name: str, webhook_url: str | None) -> dict[str, str]:
    """Keep the webhook as a secret of the local endpoint; return what the template has to know."""
    if webhook_url is None:
        return {}
    name = f"{stack_name}/slack-webhook"
    with contextlib.suppress(secrets.exceptions.ResourceExistsException):
        secrets.create_secret(Name=name, SecretString=webhook_url)
    arn = secrets.put_secret_value(SecretId=name, SecretString=webhook_url)["ARN"]
    parts = urlsplit(webhook_url)
    return {"SlackSecretArn": arn, "SlackOrigin": f"{parts.scheme}://{parts.netloc}"}
