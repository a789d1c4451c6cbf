"""A real Prometheus that scrapes ``GET /metrics`` and meets sandboxes of different knowledge."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import urllib3
import yaml

from fakes.http_server import answering, http_server
from monitoring.filled import running_prometheus
from monitoring.programs import CHECKOUT
from predict.telemetry.account_metrics import COUNTERS, REQUESTS, Figures
from predict.telemetry.prometheus import CONTENT_TYPE, as_text

BEFORE = 1_000_000
SCRAPES = 12
SECONDS = 60


class TwoSandboxes:
    """Answers scrapes in turn: one reads CloudWatch, for the other it fails since a while."""

    def __init__(self, *, the_old_says_so: bool) -> None:
        now = datetime.now(UTC)
        nothing = dict.fromkeys(COUNTERS, 0.0)
        self._new = Figures(now, nothing | {REQUESTS: float(BEFORE)}, {}, now)
        self._old = replace(self._new, read_at=now - timedelta(seconds=30), is_old=the_old_says_so)
        self.scrapes = 0

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one scrape."""
        self.scrapes += 1
        told = self._old
        if self.scrapes % 2:
            counted = {**self._new.totals, REQUESTS: float(BEFORE + self.scrapes)}
            told = replace(self._new, totals=counted)
        answering(200, as_text(told), {"Content-Type": CONTENT_TYPE})(request)


def increase(url: str, sandboxes: TwoSandboxes) -> float:
    """Return what Prometheus takes for new requests, after some scrapes."""
    deadline = time.monotonic() + SECONDS
    while sandboxes.scrapes <= SCRAPES:
        assert time.monotonic() < deadline, f"{sandboxes.scrapes} scrapes in {SECONDS} s"
        time.sleep(0.1)
    query = {"query": "increase(prediction_requests_total[1m])"}
    answer = urllib3.request("GET", f"{url}/api/v1/query", fields=query, timeout=5).json()
    [sample] = answer["data"]["result"]
    return float(sample["value"][1])


@pytest.mark.parametrize("the_old_says_so", [True, False], ids=["as it is", "without its time"])
def test_an_old_answer_between_new_ones_is_no_reset(
    tmp_path: Path, *, the_old_says_so: bool
) -> None:
    sandboxes = TwoSandboxes(the_old_says_so=the_old_says_so)
    config = tmp_path / "prometheus.yaml"
    with http_server(sandboxes) as api:
        target = api.removeprefix("http://")
        scrape = {"job_name": "housing-api", "static_configs": [{"targets": [target]}]}
        config.write_text(
            yaml.safe_dump({"global": {"scrape_interval": "500ms"}, "scrape_configs": [scrape]})
        )
        with running_prometheus(config, tmp_path / "data") as url:
            rise = increase(url, sandboxes)

    if the_old_says_so:
        assert 0 < rise < 10 * SCRAPES  # a few, as extrapolated to the minute
    else:
        assert rise > BEFORE


def test_the_example_asks_for_metrics_once_a_minute_with_a_key() -> None:
    example = yaml.safe_load((CHECKOUT / "monitoring/prometheus/api.yaml").read_text())
    [job] = example["scrape_configs"]

    assert example["global"]["scrape_interval"] == "1m"
    assert job["metrics_path"].endswith("/metrics")
    assert "x-api-key" in job["http_headers"]
