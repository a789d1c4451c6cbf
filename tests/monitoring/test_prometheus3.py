"""The rules, their cases and the configuration on Prometheus 3, beside Debian's 2.42.

``make test-watching`` builds it and runs this. The two differ: a range of 3 leaves out its first
moment, and so does a sub-query's; the page of the alerts has another path.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from integration.running_stack import free_ports, wait_for
from local_stack.monitoring import configuration, health
from local_stack.settings import StackSettings
from monitoring.filled import running_prometheus
from monitoring.programs import CHECKOUT, PROMETHEUS_3, run

pytestmark = pytest.mark.skipif(
    not os.environ.get("HOUSING_WATCHING"), reason="make test-watching runs it"
)
CASES = sorted(
    path
    for folder in ("rules", "recording")
    for path in (CHECKOUT / "tests/monitoring" / folder).glob("*.yaml")
)
PROMTOOL = str(PROMETHEUS_3 / "promtool")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_cases_hold(path: Path) -> None:
    assert "SUCCESS" in run(PROMTOOL, "test", "rules", str(path))


@pytest.mark.parametrize("name", ["prometheus", "api"])
def test_it_accepts_the_configuration(name: str, tmp_path: Path) -> None:
    config = CHECKOUT / f"monitoring/prometheus/{name}.yaml"
    if name == "api":  # whose file with the key is looked for
        (tmp_path / "key").write_text("key")
        copy = tmp_path / "api.yaml"
        text = config.read_text().replace("/run/secrets/housing-api-key", str(tmp_path / "key"))
        copy.write_text(text)
        config = copy

    assert "SUCCESS" in run(PROMTOOL, "check", "config", str(config))


def pending(settings: StackSettings) -> set[str]:
    """Return the names of the alerts that fire or are about to."""
    url = f"http://127.0.0.1:{settings.prometheus_port}/api/v1/alerts"
    alerts = urllib3.request("GET", url, timeout=5).json()["data"]["alerts"]
    return {alert["labels"]["alertname"] for alert in alerts}


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[StackSettings]:
    """Run it over the written configuration; nothing listens at its other targets."""
    yace, hours, alertmanager = free_ports(3)
    given = StackSettings(
        state_dir=tmp_path,
        yace_port=yace,
        yace_hours_port=hours,
        alertmanager_port=alertmanager,
    )
    configuration.write(given, tmp_path)
    config = tmp_path / "prometheus" / "prometheus.yaml"
    with running_prometheus(config, tmp_path / "data", PROMETHEUS_3 / "prometheus") as url:
        yield given.model_copy(update={"prometheus_port": int(url.rpartition(":")[2])})


def test_it_runs_the_rules_and_the_address_of_its_alerts_answers(settings: StackSettings) -> None:
    def fault() -> str:
        return health.prometheus_fault(settings) or ""

    wait_for(lambda: "ExporterDown" in pending(settings), seconds=60)
    wait_for(lambda: "connection refused" in fault(), seconds=60)  # and no rule fails
    assert urllib3.request("GET", health.alerts_page(settings), timeout=5).status == 200
