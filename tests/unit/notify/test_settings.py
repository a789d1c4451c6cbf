"""Which hosts a webhook may have."""

import pytest
from pydantic import ValidationError

from notify.settings import NotifySettings


def test_a_webhook_is_slacks_own_over_https_unless_another_is_named() -> None:
    assert NotifySettings(slack_secret="arn").slack_origin == "https://hooks.slack.com"


@pytest.mark.parametrize(
    "origin",
    ["hooks.slack.com", "ftp://hooks.slack.com", "https://", "https://a/b", "https://a@b", "file:"],
)
def test_an_origin_is_scheme_and_host_and_nothing_else(origin: str) -> None:
    with pytest.raises(ValidationError):
        NotifySettings(slack_secret="arn", slack_origin=origin)
