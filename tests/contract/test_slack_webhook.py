"""Posting to a real HTTP server that answers as Slack does, and as it should not."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from fakes.http_server import http_server
from fakes.slack import ScriptedSlack
from notify.errors import SlackBusyError, SlackRefusedError, SlackUnavailableError
from notify.slack import SlackWebhook, WebhookSecret

TIMEOUT_SECONDS = 0.3
MESSAGE = {"text": "häuser", "blocks": []}


class FakeProvider:
    """Gives the newest of some URLs where it has to be fresh, else the one before."""

    def __init__(self, *urls: str) -> None:
        self._urls = list(urls)
        self._kept = self._urls.pop(0)

    def get(self, _name: str, *, force_fetch: bool, **_: Any) -> str:
        """See ``SecretsProvider.get``."""
        if force_fetch and self._urls:
            self._kept = self._urls.pop(0)
        return self._kept


def webhook(
    server: str, *paths: str, sleep: Callable[[float], None] = lambda _: None
) -> SlackWebhook:
    provider: Any = FakeProvider(*[server + path for path in paths or ("/services/T0/B0/x",)])
    secret = WebhookSecret(provider, "slack", origin=server, ttl_seconds=300)
    return SlackWebhook(secret, timeout_seconds=TIMEOUT_SECONDS, sleep=sleep)


def plenty() -> float:
    return 30.0


@contextmanager
def slack_saying(*script: tuple[int, str, dict[str, str]]) -> Iterator[tuple[ScriptedSlack, str]]:
    slack = ScriptedSlack(*script)
    with http_server(slack.answer) as url:
        yield slack, url


def test_a_message_is_posted_as_json() -> None:
    with slack_saying() as (slack, url):
        webhook(url).post(MESSAGE, plenty)

    assert slack.received == [("/services/T0/B0/x", MESSAGE)]


def test_a_busy_slack_is_asked_again_when_it_says() -> None:
    waits: list[float] = []

    with slack_saying((429, "rate_limited", {"Retry-After": "7"})) as (slack, url):
        webhook(url, sleep=waits.append).post(MESSAGE, plenty)

    assert waits == [7]
    assert [message for _, message in slack.received] == [MESSAGE, MESSAGE]


@pytest.mark.parametrize("header", [{}, {"Retry-After": "soon"}, {"Retry-After": "0"}])
def test_a_busy_slack_that_does_not_say_when_gets_a_second(header: dict[str, str]) -> None:
    waits: list[float] = []

    with slack_saying((429, "", header)) as (_, url):
        webhook(url, sleep=waits.append).post(MESSAGE, plenty)

    assert waits == [1]


def test_a_wait_that_the_function_has_no_time_for_is_left_to_lambda() -> None:
    with (
        slack_saying((429, "rate_limited", {"Retry-After": "30"})) as (slack, url),
        pytest.raises(SlackBusyError, match="429 rate_limited"),
    ):
        webhook(url, sleep=lambda _: pytest.fail("it waited")).post(MESSAGE, plenty)

    assert len(slack.received) == 1


def test_a_slack_that_stays_busy_is_given_up_before_the_function_ends() -> None:
    left = [30.0]

    def sleep(seconds: float) -> None:
        left[0] -= seconds

    busy = (429, "rate_limited", {"Retry-After": "10"})
    with slack_saying(*[busy] * 9) as (slack, url), pytest.raises(SlackBusyError):
        webhook(url, sleep=sleep).post(MESSAGE, lambda: left[0])

    assert len(slack.received) == 3
    assert left[0] > 0


@pytest.mark.parametrize("status", [500, 503])
def test_a_slack_that_is_down_is_left_to_lambda(status: int) -> None:
    with (
        slack_saying((status, "rollup_error", {})) as (slack, url),
        pytest.raises(SlackUnavailableError, match=f"{status} rollup_error"),
    ):
        webhook(url).post(MESSAGE, plenty)

    assert len(slack.received) == 1


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (400, "invalid_payload"),
        (403, "action_prohibited"),
        (404, "no_service"),
        (410, "channel_is_archived"),
    ],
)
def test_a_refusal_of_slack_is_an_error_with_its_text_and_not_retried(
    status: int, word: str
) -> None:
    with (
        slack_saying((status, word, {})) as (slack, url),
        pytest.raises(SlackRefusedError, match=f"{status} {word}"),
    ):
        webhook(url).post(MESSAGE, plenty)

    assert len(slack.received) == 1


def test_a_webhook_that_was_replaced_in_the_secret_is_found_at_once() -> None:
    with slack_saying((404, "no_service", {})) as (slack, url):
        webhook(url, "/old", "/new").post(MESSAGE, plenty)

    assert [path for path, _ in slack.received] == ["/old", "/new"]


def test_a_redirect_is_not_followed() -> None:
    with (
        slack_saying() as (elsewhere, other),
        slack_saying((302, "", {"Location": f"{other}/x"})) as (_, url),
        pytest.raises(SlackRefusedError, match="302"),
    ):
        webhook(url).post(MESSAGE, plenty)

    assert elsewhere.received == []


def test_a_silent_slack_is_waited_for_as_long_as_the_setting_says() -> None:
    slack = ScriptedSlack()

    with http_server(slack.silent) as url:
        began = time.monotonic()
        with pytest.raises(SlackUnavailableError, match="TimeoutError"):
            webhook(url).post(MESSAGE, plenty)
        took = time.monotonic() - began
        slack.ended.set()

    assert TIMEOUT_SECONDS <= took < TIMEOUT_SECONDS + 2


def test_a_slack_that_is_not_there_is_left_to_lambda() -> None:
    with slack_saying() as (_, url):
        pass

    with pytest.raises(SlackUnavailableError, match="cannot be reached"):
        webhook(url).post(MESSAGE, plenty)


def test_an_answer_that_is_no_http_is_left_to_lambda() -> None:
    def babble(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"nonsense\r\n\r\n")

    with (
        http_server(babble) as url,
        pytest.raises(SlackUnavailableError, match="BadStatusLine"),
    ):
        webhook(url).post(MESSAGE, plenty)
