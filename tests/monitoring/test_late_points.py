"""Both ways of counting agree an hour later: after late points, gaps, and a restart of YACE.

The real programs read a real endpoint, of which a minute is 10 s here and an hour a minute. It
takes four minutes: ``make test-watching`` runs it.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from housing.metrics import names
from integration.running_stack import wait_for
from local_stack.services.catalogue import aws_environment
from local_stack.settings import StackSettings
from monitoring.chain import PERIOD_SECONDS, Chain, running_chain, settings_or_skip
from predict.telemetry.account_metrics import ERRORS, REQUESTS, AccountMetrics
from servers.aws_endpoint import running_aws_endpoint

pytestmark = [
    pytest.mark.skipif(not os.environ.get("HOUSING_WATCHING"), reason="make test-watching runs it"),
    pytest.mark.timeout(600),
]
HOUR_SECONDS = 60
SETTLED_WITHIN_SECONDS = 4 * HOUR_SECONDS
REASON = "unexpected"


class Account:
    """CloudWatch of an account, to which requests and errors are put at any time."""

    def __init__(self, url: str) -> None:
        """Connect to the endpoint at a URL."""
        settings = StackSettings(aws_endpoint=url)
        self.environment = aws_environment(settings)
        self.client: Any = boto3.client(
            "cloudwatch",
            endpoint_url=url,
            region_name=self.environment["AWS_DEFAULT_REGION"],
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )
        self.put_requests = 0
        self.put_errors = 0

    def put(self, at: datetime, requests: int, errors: int = 0) -> None:
        """Put requests, some of them errors, at a time."""
        service = {"Name": names.SERVICE_DIMENSION, "Value": "predict"}
        reason = {"Name": names.REASON_DIMENSION, "Value": REASON}
        values = [
            (names.PREDICTION_REQUESTS, [service], requests),
            (names.PREDICTION_ERRORS, [service, reason], errors),
        ]
        self.client.put_metric_data(
            Namespace=names.NAMESPACE,
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": value}
                for name, dimensions, value in values
                if value
            ],
        )
        self.put_requests += requests
        self.put_errors += errors

    def counted(self) -> tuple[float, float]:
        """Return the requests and errors that ``GET /metrics`` reports."""
        figures = AccountMetrics(lambda: self.client, delay=timedelta(0)).figures()
        return figures.totals[REQUESTS], figures.totals[ERRORS[REASON]]


@pytest.fixture
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    settings_or_skip()
    with running_aws_endpoint(tmp_path_factory.mktemp("aws")) as server:
        yield Account(server.uri)


@pytest.fixture
def chain(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    folder = tmp_path_factory.mktemp("chain")
    with running_chain(folder, account.environment, "http://127.0.0.1:9/", []) as running:
        running.wait_for_value('count(up{job=~"yace|yace-hours"} == 1)', 2)
        yield running


def start_of_hour(chain: Chain) -> datetime:
    """Wait for the first hour that begins after the rules ran; return its beginning."""
    wait_for(lambda: chain.ask("cloudwatch:hours_counted:seconds"), seconds=60)
    first = datetime.now(UTC)
    hour = (int(first.timestamp()) // HOUR_SECONDS + 1) * HOUR_SECONDS
    begins = datetime.fromtimestamp(hour, UTC)
    wait_for(lambda: datetime.now(UTC) >= begins, seconds=HOUR_SECONDS + 5)
    return begins


def test_both_ways_of_counting_agree_once_an_hour_has_settled(
    account: Account, chain: Chain
) -> None:
    minute = timedelta(seconds=PERIOD_SECONDS)
    begins = start_of_hour(chain)
    account.put(begins, 5)
    chain.wait_for_value("prediction_requests_total", 5)

    account.put(begins, 4, 2)  # late: the minute was read
    account.put(begins + minute, 3)  # a gap of a minute follows
    chain.yace.stop()
    account.put(begins + 3 * minute, 7, 1)
    chain.yace.start()
    account.put(begins + 4 * minute, 2)

    assert (account.put_requests, account.put_errors) == (21, 3)
    chain.wait_for_value("prediction_requests_total", 21, seconds=SETTLED_WITHIN_SECONDS)
    chain.wait_for_value(
        f'prediction_error_total{{reason="{REASON}"}}', 3, seconds=SETTLED_WITHIN_SECONDS
    )
    wait_for(lambda: account.counted() == (21, 3), seconds=2 * HOUR_SECONDS)
    assert chain.value("resets(prediction_requests_total[5m])") == 0
    late = "prometheus_target_scrapes_sample_duplicate_timestamp_total"
    assert (chain.value(f"sum({late})") or 0) > 0  # that is: Prometheus did drop the late point
