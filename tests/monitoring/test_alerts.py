"""Every alert fires when it should, is silent when it should, and has its entry in the runbook."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from housing.schema import INTERVAL_COVERAGE
from housing_cli.main import app
from housing_ops.template import load
from monitoring.programs import CHECKOUT, run
from predict.errors import STATUS, PredictError

PROMETHEUS = CHECKOUT / "monitoring/prometheus"
CASES = sorted((CHECKOUT / "tests/monitoring/rules").glob("*.yaml"))
RUNBOOK = (CHECKOUT / "docs/runbook.md").read_text()
PARTS = ["Means", "Look", "Do", "Undo"]
RULE_FILES = ("slo.yaml", "alerts.yaml")
SEVERITIES = {"critical", "warning", "info", "none"}


def rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = rules("alerts.yaml")
ENTRIES = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))


def outcomes(alert: str) -> Iterator[tuple[str | None, Path]]:
    """Yield the severities that the cases of an alert expect, None where they expect silence."""
    for path in CASES:
        for case in yaml.safe_load(path.read_text())["tests"]:
            for check in case["alert_rule_test"]:
                if check["alertname"] == alert:
                    severities = [exp["exp_labels"]["severity"] for exp in check["exp_alerts"]]
                    yield from ((severity, path) for severity in severities or [None])


def test_alarms_and_dashboards_name_the_coverage_that_intervals_have() -> None:
    words = f"{100 * INTERVAL_COVERAGE:.0f} %"
    [alert] = [rule for rule in ALERTS if rule["alert"] == "IntervalCoverageLow"]
    board = (CHECKOUT / "monitoring/grafana/dashboards/model.json").read_text()
    alarm = load(CHECKOUT / "infra/template.yaml")["Resources"]["IntervalCoverageAlarm"][
        "Properties"
    ]

    assert f"; {words} should." in alert["annotations"]["description"]
    assert f"the target is {words}" in ENTRIES["IntervalCoverageLow"]
    assert f'"expr": "vector({INTERVAL_COVERAGE})"' in board
    assert f"{words} intervals" in alarm["AlarmDescription"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_are_silent_as_their_cases_say(path: Path) -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", str(path))


def test_the_rules_are_well_formed() -> None:
    run("promtool", "check", "rules", *(str(PROMETHEUS / name) for name in RULE_FILES))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda r: f"{r['alert']}-{r['labels']['severity']}")
def test_every_alert_has_a_case_that_fires_and_one_that_is_silent(rule: dict[str, Any]) -> None:
    expected = dict(outcomes(rule["alert"]))

    assert rule["labels"]["severity"] in expected
    assert (None in expected) == (rule["alert"] != "Watchdog")


@pytest.mark.parametrize("rule", ALERTS, ids=lambda r: f"{r['alert']}-{r['labels']['severity']}")
def test_every_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]

    assert rule["labels"]["severity"] in SEVERITIES
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"docs/runbook.md#{rule['alert'].lower()}"


def test_the_runbook_has_exactly_the_alerts() -> None:
    assert set(ENTRIES) == {rule["alert"] for rule in ALERTS}


@pytest.mark.parametrize("alert", ENTRIES)
def test_an_entry_says_what_it_means_how_to_look_what_to_do_and_how_to_undo(alert: str) -> None:
    assert re.findall(r"^\*\*(\w+)\.\*\*\s+\S", ENTRIES[alert], re.MULTILINE) == PARTS


def test_every_housing_command_of_the_runbook_exists() -> None:
    named = set(re.findall(r"(?:^|`)housing ([a-z]+)", RUNBOOK, re.MULTILINE))

    assert named
    assert named <= set(getattr(get_command(app), "commands", {}))


def test_errors_of_ours_are_those_with_a_status_of_500_or_more() -> None:
    ours = {cls.reason for cls, status in STATUS.items() if status >= 500} | {"unexpected"}
    total = {rule["record"]: rule["expr"] for rule in rules("slo.yaml")}

    for kind, operator in (("server", "=~"), ("client", "!~")):
        match = re.search(
            rf'reason{operator}"([^"]+)"', total[f"service:prediction_{kind}_errors:total"]
        )
        assert match
        assert set(match[1].split("|")) == ours


def test_every_error_that_is_raised_has_a_status() -> None:
    def leaves(cls: type[PredictError]) -> Iterator[type[PredictError]]:
        for below in cls.__subclasses__():
            yield below
            yield from leaves(below)

    without = {cls for cls in leaves(PredictError) if cls not in STATUS}

    assert all(cls.__subclasses__() for cls in without)
