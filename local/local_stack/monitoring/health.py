"""Judge the programs of the monitoring: each by its own word, and Prometheus by its targets."""

import json
import shutil
import urllib.error
import urllib.request
from typing import Any

from local_stack.services import supervisor
from local_stack.services.catalogue import MONITORING_NAMES
from local_stack.settings import LOOPBACK, StackSettings

HEALTH_PATHS = {
    "yace": "/healthz",
    "yace-hours": "/healthz",
    "prometheus": "/-/ready",
    "alertmanager": "/-/ready",
}
_TIMEOUT_SECONDS = 5


def was_started(settings: StackSettings) -> bool:
    """Return whether ``make monitoring`` has run since the last ``make stop``."""
    return any(supervisor.record_path(settings, name).exists() for name in MONITORING_NAMES)


def faults(settings: StackSettings) -> dict[str, str]:
    """Return what is wrong with each program that runs and does not do its work."""
    wrong = {}
    for name, port in settings.monitoring_ports.items():
        if supervisor.running(settings, name):
            url = f"http://{LOOPBACK}:{port}{HEALTH_PATHS[name]}"
            fault = None if _answers(url) else f"does not answer at {url}"
            if name == "prometheus" and fault is None:
                fault = prometheus_fault(settings)
            if fault:
                wrong[name] = fault
    return wrong


def prometheus_fault(settings: StackSettings) -> str | None:
    """Return what Prometheus cannot do; None where it scrapes, judges and sends.

    A target that is new, and was not scraped yet, is no fault.
    """
    try:
        targets = _ask(settings, "targets?state=active")["activeTargets"]
        alertmanagers = _ask(settings, "alertmanagers")["activeAlertmanagers"]
        groups = _ask(settings, "rules")["groups"]
    except (OSError, ValueError, KeyError) as exc:
        return f"does not answer: {exc}"
    jobs = {target["labels"]["job"] for target in targets}
    if missing := sorted({*settings.monitoring_ports} - jobs):
        return f"has no target for {', '.join(missing)}"
    for target in targets:
        if target["health"] == "down":
            return f"cannot scrape {target['labels']['job']}: {target['lastError']}"
    if not alertmanagers:
        return "knows no Alertmanager, so that no alert goes out"
    failing = [rule["name"] for group in groups for rule in group["rules"] if rule.get("lastError")]
    return f"cannot evaluate {', '.join(failing)}" if failing else None


def firing(settings: StackSettings) -> list[str]:
    """Return the names of the alerts that fire, without the Watchdog, which fires always.

    There are none where Prometheus does not answer.
    """
    try:
        alerts = _ask(settings, "alerts")["alerts"]
    except (OSError, ValueError, KeyError):
        return []
    names = {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}
    return sorted(names - {"Watchdog"})


def alerts_page(settings: StackSettings) -> str:
    """Return the URL of the alerts: a page of Prometheus, or its API where it has no pages.

    Debian's 2.42 has the classic page only, and one that ``go install`` built has none.
    """
    url = f"http://{LOOPBACK}:{settings.prometheus_port}"
    pages = (f"{url}{path}" for path in ("/alerts", "/classic/alerts"))
    return next((page for page in pages if _answers(page)), f"{url}/api/v1/alerts")


def alerts_command(settings: StackSettings) -> str:
    """Return how to list the alerts of Alertmanager: Debian's has no page."""
    url = f"http://{LOOPBACK}:{settings.alertmanager_port}"
    if shutil.which("amtool"):
        return f"amtool --alertmanager.url={url} alert"
    return f"curl -s {url}/api/v2/alerts"


def _ask(settings: StackSettings, what: str) -> dict[str, Any]:
    url = f"http://{LOOPBACK}:{settings.prometheus_port}/api/v1/{what}"
    with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as answer:  # nosec B310 - http
        data: dict[str, Any] = json.load(answer)["data"]
    return data


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS):  # noqa: S310 - http  # nosec B310
            return True
    except (urllib.error.URLError, OSError):
        return False
