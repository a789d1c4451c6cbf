"""The real chain beside a stack: YACE reads its endpoint, Prometheus YACE, Alertmanager Prometheus.

The files are the project's, with shorter times put in place of some, and the API found by its name.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from integration.running_stack import free_ports, wait_for
from local_stack.errors import MissingProgramError
from local_stack.monitoring.start import BUILT_YACE, programs
from local_stack.settings import StackSettings
from monitoring.programs import CHECKOUT

PERIOD_SECONDS = 10
_UP_WITHIN_SECONDS = 30
_SHORTER = {
    "yace/config.yaml": {
        "    period: 60": "    period: 10",
        "    length: 900": "    length: 150",
        "    delay: 120": "    delay: 10",
    },
    "yace/hours.yaml": {
        "period: 3600": "period: 60",
        "roundingPeriod: 3600": "roundingPeriod: 60",
        "length: 21600": "length: 360",
        "delay: 3600": "delay: 60",
    },
    "prometheus/recording.yaml": {
        "[30m:1m]": "[30m:10s]",
        "[59m30s] offset -59m15s": "[55s] offset -52s",
        "[7h:1h] offset 2h": "[7m:1m] offset 2m",
        "[8h]": "[8m]",
        "[1h:1m]": "[1h:10s]",
        "time() % 60 - 1500": "time() % 10 - 250",
        "time() % 3600": "time() % 60",
    },
    "prometheus/prometheus.yaml": {"_interval: 15s": "_interval: 5s"},
    "prometheus/alerts.yaml": {"for: 5m": "for: 5s"},
}


class Program:
    """A program of the chain, which can be ended and started again."""

    def __init__(
        self, command: Sequence[str], *, up: str, log: Path, environment: Mapping[str, str]
    ) -> None:
        """Remember how it is started, and where it answers once it is up."""
        self._command, self._up, self._log = list(command), up, log
        self._environment = {**environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as said:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=said, stderr=said
            )
        deadline = time.monotonic() + _UP_WITHIN_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if urllib3.request("GET", self._up, retries=False, timeout=2).status == 200:
                    return
            except urllib3.exceptions.HTTPError:
                pass
            time.sleep(0.1)
        pytest.fail(f"{self._command[0]} did not come up: {self.said()[-2_000:]}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=20)

    def said(self) -> str:
        return self._log.read_text()


@dataclass(frozen=True)
class Chain:
    """The running programs."""

    prometheus_url: str
    alertmanager_url: str
    yace: Program
    yace_of_hours: Program
    prometheus: Program
    received: list[dict[str, Any]] = field(default_factory=list)
    """What Alertmanager posted to the webhook."""

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Run a query; a refusal fails the test."""
        url = f"{self.prometheus_url}/api/v1/query"
        answer = urllib3.request("GET", url, fields={"query": query}, timeout=10).json()
        assert answer["status"] == "success", (query, answer)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, query: str) -> float | None:
        """Return the value of a query that has at most one series."""
        result = self.ask(query)
        assert len(result) <= 1, (query, result)
        return float(result[0]["value"][1]) if result else None

    def values(self, query: str, label: str) -> dict[str, float]:
        """Return the values of a query by a label."""
        return {one["metric"][label]: float(one["value"][1]) for one in self.ask(query)}

    def wait_for_value(self, query: str, wanted: float, *, seconds: float = 60) -> None:
        wait_for(lambda: self.value(query) == pytest.approx(wanted), seconds=seconds)


def settings_or_skip(**changed: Any) -> StackSettings:
    """Return settings under which all programs are found; skip, and say why, where one is not."""
    settings = StackSettings(**changed)
    try:
        programs(settings)
    except MissingProgramError as exc:
        pytest.skip(f"{exc}\n({BUILT_YACE.name} is built by make yace)")
    return settings


@contextmanager
def running_chain(
    folder: Path, endpoint: Mapping[str, str], webhook: str, received: list[dict[str, Any]]
) -> Iterator[Chain]:
    """Run the three programs.

    Args:
        folder: Where they keep what they have.
        endpoint: Environment of an AWS client of the stack.
        webhook: URL that Alertmanager posts to.
        received: What comes to it.
    """
    installed = programs(settings_or_skip())
    names = ("yace", "yace-hours", "prometheus", "alertmanager")
    ports = dict(zip(names, free_ports(4), strict=True))
    copies = _shortened(folder, ports)
    alertmanager_config = folder / "alertmanager.yaml"
    alertmanager_config.write_text(yaml.safe_dump(_posting_to(webhook)))
    plain = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    at_yace, at_hours, at_prometheus, at_alertmanager = (f"127.0.0.1:{p}" for p in ports.values())
    yace, yace_of_hours = (
        Program(
            [
                str(installed["yace"]),
                f"--config.file={copies / 'yace' / config}",
                f"--listen-address={address}",
                "--scraping-interval=5",
            ],
            up=f"http://{address}/healthz",
            log=folder / f"{config}.log",
            environment=plain | {**endpoint, "AWS_REGION": endpoint["AWS_DEFAULT_REGION"]},
        )
        for config, address in (("config.yaml", at_yace), ("hours.yaml", at_hours))
    )
    alertmanager = Program(
        [
            str(installed["alertmanager"]),
            f"--config.file={alertmanager_config}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address={at_alertmanager}",
            "--cluster.listen-address=",
        ],
        up=f"http://{at_alertmanager}/-/ready",
        log=folder / "alertmanager.log",
        environment=plain,
    )
    prometheus = Program(
        [
            str(installed["prometheus"]),
            f"--config.file={copies / 'prometheus/prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address={at_prometheus}",
        ],
        up=f"http://{at_prometheus}/-/ready",
        log=folder / "prometheus.log",
        environment=plain,
    )
    with ExitStack() as ending:
        for one in (yace, yace_of_hours, alertmanager, prometheus):
            ending.callback(one.stop)
            one.start()
        yield Chain(
            f"http://{at_prometheus}",
            f"http://{at_alertmanager}",
            yace,
            yace_of_hours,
            prometheus,
            received,
        )


def _shortened(folder: Path, ports: Mapping[str, int]) -> Path:
    copies = folder / "copies"
    shutil.copytree(CHECKOUT / "monitoring", copies)
    for name, changes in _SHORTER.items():
        text = (copies / name).read_text()
        for long, short in changes.items():
            text, times = re.subn(rf"{re.escape(long)}(?!\d)", short, text)
            assert times, f"{name} has no {long!r} any more"
        (copies / name).write_text(text)
    for name in ("config.yaml", "hours.yaml"):
        yace = copies / "yace" / name
        yace.write_text(yaml.safe_dump(_api_by_name(yaml.safe_load(yace.read_text()))))
    for target, port in ports.items():
        path = copies / f"prometheus/targets/{target}.yaml"
        path.write_text(yaml.safe_dump([{"targets": [f"127.0.0.1:{port}"]}]))
    return copies


def _api_by_name(config: dict[str, Any]) -> dict[str, Any]:
    """Have the API's metrics found by their dimension: MiniStack finds no API by its tags."""
    jobs = config["discovery"]["jobs"]
    [api] = [job for job in jobs if job["type"] == "AWS/ApiGateway"]
    jobs.remove(api)
    kept = {name: value for name, value in api.items() if name not in {"type", "searchTags"}}
    config["customNamespace"].append({"name": "api", "namespace": api["type"], **kept})
    return config


def _posting_to(webhook: str) -> dict[str, Any]:
    return {
        "route": {
            "receiver": "webhook",
            "group_by": ["alertname"],
            "group_wait": "1s",
            "group_interval": "2s",
        },
        "receivers": [{"name": "webhook", "webhook_configs": [{"url": webhook}]}],
    }
