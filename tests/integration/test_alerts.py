"""Alerts of the deployed stack, over the topic and the notify function, at a webhook."""

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from fakes.alerts import FakeAlerts
from fakes.slack import ScriptedSlack
from housing.alerts.alert import Alert, AlertEvent
from housing.alerts.folded import FoldedAlerts
from housing.jobs.status import State
from housing.metrics import names as metric_names
from housing.s3.layout import ALERTS
from integration.running_stack import RunningStack, wait_for

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

pytestmark = pytest.mark.integration
SENDERS = 8
HEADER_TWICE = b"MedInc,MedInc\n1,2\n"
HEADER_UNKNOWN = b"alerts,of,the,test\n1,2,3,4\n"


def messages(slack: ScriptedSlack, word: str) -> list[dict[str, Any]]:
    """Return what was posted with a word in it."""
    return [message for _, message in list(slack.received) if word in str(message)]


def test_a_rejected_upload_is_posted_to_slack_once_with_the_reason_and_the_next_command(
    stack: RunningStack, slack: ScriptedSlack
) -> None:
    for name in ("twice one.csv", "twice two.csv"):
        job = stack.finished(stack.put(name, HEADER_TWICE))
        assert job.state == State.REJECTED
    stack.finished(stack.put("other.csv", HEADER_UNKNOWN))
    wait_for(lambda: messages(slack, "alerts,of,the,test"))

    [message] = messages(slack, "twice")

    header, reason, _, following = message["blocks"]
    assert header["text"]["text"] == "california-housing: an upload was rejected"
    assert "MedInc" in reason["text"]["text"]
    assert "```housing upload 'twice one.csv' --wait```" in following["text"]["text"]


def test_the_first_promotion_is_posted_with_its_figures(
    stack: RunningStack, slack: ScriptedSlack
) -> None:
    status = stack.jobs.newest(100)[-1]
    message = wait_for(lambda: messages(slack, "version 1 is in production"))[0]

    fields = [field["text"] for field in message["blocks"][2]["fields"]]
    assert status.verdict
    assert f"*RMSE*\n{status.verdict.challenger_rmse:.4f}" in fields


def test_a_message_of_aws_itself_reaches_slack(stack: RunningStack, slack: ScriptedSlack) -> None:
    sns: SNSClient = stack.client("sns")

    sns.publish(
        TopicArn=stack.env["HOUSING_ALERT_TOPIC_ARN"],
        Message='{"AlarmName": "too-slow", "NewStateValue": "ALARM", "NewStateReason": "5 > 1"}',
    )

    [message] = wait_for(lambda: messages(slack, "too-slow"))
    assert message["text"] == "ALARM: too-slow: 5 &gt; 1"


def test_an_alarm_of_the_template_reaches_slack(stack: RunningStack, slack: ScriptedSlack) -> None:
    cloudwatch = stack.client("cloudwatch")
    [alarm] = cloudwatch.describe_alarms(AlarmNames=[f"{stack.name}-stale-model"])["MetricAlarms"]
    assert alarm["MetricName"] == metric_names.MODEL_STALENESS

    cloudwatch.put_metric_data(
        Namespace=metric_names.NAMESPACE,
        MetricData=[
            {
                "MetricName": alarm["MetricName"],
                "Dimensions": alarm["Dimensions"],
                "Timestamp": datetime.now(UTC) - timedelta(minutes=10),
                "Value": 1.0,
            }
        ],
    )

    [message] = wait_for(lambda: messages(slack, alarm["AlarmName"]))
    assert "Threshold Crossed: Maximum 1.0" in str(message)


def test_the_templates_dashboard_is_there(stack: RunningStack) -> None:
    listed = stack.client("cloudwatch").list_dashboards()["DashboardEntries"]

    assert stack.name in [entry["DashboardName"] for entry in listed]


def test_of_many_senders_at_once_one_sends_and_every_other_is_counted(
    stack: RunningStack,
) -> None:
    alert = Alert(AlertEvent.TRAINING_FAILED, "subject", "all at once", "housing status")
    inner, gate = FakeAlerts(), threading.Barrier(SENDERS)

    def send() -> None:
        alerts = FoldedAlerts(inner, stack.s3, stack.bucket)
        gate.wait()
        alerts.send(alert)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    listed = stack.s3.list_objects_v2(Bucket=stack.bucket, Prefix=f"{ALERTS}training_failed-")
    kept = [stack.read_json(entry["Key"]) for entry in listed["Contents"]]
    assert inner.sent == [alert]
    assert [entry["repeats"] for entry in kept if "all at once" in entry["cause"]] == [SENDERS - 1]
