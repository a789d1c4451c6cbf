"""``make monitoring`` beside a running Prometheus: its targets stay, new ones are known at once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from integration.running_stack import free_ports, wait_for
from local_stack.monitoring import configuration, health
from local_stack.services import supervisor
from local_stack.settings import StackSettings
from monitoring.filled import running_prometheus

JOBS = {"yace", "yace-hours", "prometheus", "alertmanager"}
MORE_THAN_DISCOVERY_SECONDS = 30
"""Prometheus hears of a replaced file within five seconds; of a removed folder in five minutes."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, StackSettings]]:
    """Run Prometheus over a written configuration; nothing listens at its other targets."""
    folder = tmp_path_factory.mktemp("monitoring")
    yace, hours, alertmanager = free_ports(3)
    settings = StackSettings(
        state_dir=folder,
        yace_port=yace,
        yace_hours_port=hours,
        alertmanager_port=alertmanager,
    )
    configuration.write(settings, folder)
    config = folder / "prometheus" / "prometheus.yaml"
    with running_prometheus(config, folder / "data") as url:
        at = settings.model_copy(update={"prometheus_port": int(url.rpartition(":")[2])})
        wait_for(lambda: len(targets(at)) == len(JOBS), seconds=MORE_THAN_DISCOVERY_SECONDS)
        yield folder, at


def targets(settings: StackSettings) -> dict[str, str]:
    url = f"http://127.0.0.1:{settings.prometheus_port}/api/v1/targets"
    active: list[dict[str, Any]] = urllib3.request("GET", url, timeout=5).json()["data"][
        "activeTargets"
    ]
    return {target["labels"]["job"]: target["labels"]["instance"] for target in active}


def test_a_second_call_leaves_the_targets_and_a_new_port_is_known_at_once(
    prometheus: tuple[Path, StackSettings],
) -> None:
    folder, settings = prometheus
    [port] = free_ports(1)
    seen = []

    configuration.write(settings, folder)
    configuration.write(settings.model_copy(update={"yace_port": port}), folder)

    def is_known() -> bool:
        seen.append(targets(settings))
        return seen[-1].get("yace") == f"127.0.0.1:{port}"

    wait_for(is_known, seconds=MORE_THAN_DISCOVERY_SECONDS)
    assert all(set(one) == JOBS for one in seen)


def test_a_target_that_cannot_be_scraped_is_a_fault_with_its_reason(
    prometheus: tuple[Path, StackSettings],
) -> None:
    _, settings = prometheus

    def fault() -> str:
        return health.prometheus_fault(settings) or ""

    wait_for(lambda: "cannot scrape" in fault(), seconds=MORE_THAN_DISCOVERY_SECONDS)
    assert "connection refused" in fault()


def test_a_program_that_runs_and_does_not_answer_is_a_fault(
    prometheus: tuple[Path, StackSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, settings = prometheus
    monkeypatch.setattr(supervisor, "running", lambda *_: True)

    faults = health.faults(settings)

    url = f"http://127.0.0.1:{settings.yace_port}/healthz"
    assert faults["yace"] == f"does not answer at {url}"
    assert set(faults) >= {"yace", "alertmanager"}


def test_the_page_of_the_alerts_is_there(prometheus: tuple[Path, StackSettings]) -> None:
    _, settings = prometheus

    assert urllib3.request("GET", health.alerts_page(settings), timeout=5).status == 200


def test_a_prometheus_without_targets_is_faulty(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yaml"
    config.write_text("global: {}\n")
    with running_prometheus(config, tmp_path / "data") as url:
        settings = StackSettings(state_dir=tmp_path, prometheus_port=int(url.rpartition(":")[2]))

        fault = health.prometheus_fault(settings)

    assert fault == "has no target for alertmanager, prometheus, yace, yace-hours"
