"""The function as Lambda calls it: what it posts, logs and raises; and what it does not import."""

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.function_loggers import forget_loggers
from fakes.slack import FakeSlack
from notify import composition, handler
from notify.errors import EventError, SlackRefusedError, SlackUnavailableError

EVENTS = Path(__file__).parents[3] / "events"
SNS_EVENTS = sorted(EVENTS.glob("sns-*.json"))
CONTEXT: Any = SimpleNamespace(
    function_name="notify",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:notify",
    aws_request_id="8f5069ac-1111-2222-3333-0123456789ab",
    get_remaining_time_in_millis=lambda: 29_500,
)
TOO_HEAVY = ("numpy", "pandas", "mlflow", "sklearn", "onnxruntime", "retrain", "predict")


def sample(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text("utf-8"))
    return content


def fresh_process() -> None:
    """Forget what one process of the function keeps."""
    composition.service.cache_clear()
    handler._entry.cache_clear()
    forget_loggers("notify")


@pytest.fixture
def slack() -> FakeSlack:
    return FakeSlack()


@pytest.fixture(autouse=True)
def _process(slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOUSING_SLACK_SECRET", "arn:aws:secretsmanager:us-east-1:1:secret:slack")
    monkeypatch.setattr(composition, "SlackWebhook", lambda *_, **__: slack)
    fresh_process()
    yield
    fresh_process()


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("path", SNS_EVENTS, ids=lambda path: path.stem)
def test_every_sample_event_does_as_its_name_says(path: Path, slack: FakeSlack) -> None:
    event = json.loads(path.read_text("utf-8"))

    if Path(path.stem).suffix == ".bad":
        with pytest.raises(EventError):
            handler.lambda_handler(event, CONTEXT)
    else:
        assert handler.lambda_handler(event, CONTEXT) == {"posted": 1, "undeliverable": 0}
        assert len(slack.posted) == 1


def test_slack_gets_the_remaining_time_of_the_function(slack: FakeSlack) -> None:
    handler.lambda_handler(sample("sns-alert.ok"), CONTEXT)

    assert slack.seconds_left == [29.5]


def test_a_refusal_of_slack_is_logged_with_the_next_step_and_not_retried(
    slack: FakeSlack, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.fails_with = [SlackRefusedError("Slack answered 404 no_service")]

    answer = handler.lambda_handler(sample("sns-alert.ok"), CONTEXT)

    assert answer == {"posted": 0, "undeliverable": 1}
    (line,) = [line for line in printed(capsys) if line["level"] == "ERROR"]
    assert line["message"] == "notice_undeliverable"
    assert line["reason"] == "Slack answered 404 no_service"
    assert "put a new webhook into the secret" in line["next_step"]
    assert line["title"] == "california-housing: an upload was rejected"


def test_an_outage_of_slack_makes_lambda_retry(slack: FakeSlack) -> None:
    slack.fails_with = [SlackUnavailableError("Slack answered 500")]

    with pytest.raises(SlackUnavailableError):
        handler.lambda_handler(sample("sns-alert.ok"), CONTEXT)

    assert handler.lambda_handler(sample("sns-alert.ok"), CONTEXT)["posted"] == 1


def test_one_message_that_fails_does_not_keep_the_others_back(slack: FakeSlack) -> None:
    slack.fails_with = [SlackUnavailableError("Slack answered 500")]
    records = sample("sns-alert.ok")["Records"] + sample("sns-alarm.ok")["Records"]

    with pytest.raises(SlackUnavailableError):
        handler.lambda_handler({"Records": records}, CONTEXT)

    assert len(slack.posted) == 1


def test_the_function_imports_nothing_that_its_package_does_not_hold() -> None:
    program = "import sys, notify.handler; print(*sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert not set(done.stdout.split()) & set(TOO_HEAVY)


def test_log_lines_of_the_shared_package_have_the_functions_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handler.lambda_handler(sample("sns-alert.ok"), CONTEXT)
    capsys.readouterr()

    logging.getLogger("housing.s3.lease").info("lease_taken", extra={"holder": "job 1"})

    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["message"], line["holder"], line["service"]) == ("lease_taken", "job 1", "notify")
