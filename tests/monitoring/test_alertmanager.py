"""Alerts reach the right people, by amtool's word; no secret is in the file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_stack.monitoring import start
from monitoring.programs import CHECKOUT, run

CONFIG = CHECKOUT / "monitoring/alertmanager/alertmanager.yaml"
PARSED: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
RULES = yaml.safe_load((CHECKOUT / "monitoring/prometheus/alerts.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
RECEIVERS = {
    "critical": "slack-and-email",
    "warning": "slack",
    "info": "slack",
    "none": "dead-mans-switch",
}
FIRING = {
    "status": "firing",
    "groupLabels": {"alertname": "ModelOld"},
    "commonLabels": {"severity": "info"},
    "alerts": [
        {
            "status": "firing",
            "startsAt": "2026-11-03T10:00:00Z",
            "annotations": {
                "summary": "The champion is over 30 days old",
                "description": "It was made 31 days ago.",
                "runbook_url": "docs/runbook.md#modelold",
            },
        }
    ],
}
RUNBOOK = re.compile(r"https://[\w./-]+/docs/runbook\.md#modelold")


def test_amtool_accepts_it() -> None:
    assert "SUCCESS" in run("amtool", "check-config", str(CONFIG))


@pytest.mark.parametrize("rule", ALERTS, ids=lambda r: f"{r['alert']}-{r['labels']['severity']}")
def test_an_alert_goes_to_the_receiver_of_its_severity(rule: dict[str, Any]) -> None:
    severity = rule["labels"]["severity"]

    run(
        "amtool",
        "config",
        "routes",
        "test",
        f"--config.file={CONFIG}",
        f"--verify.receivers={RECEIVERS[severity]}",
        f"alertname={rule['alert']}",
        f"severity={severity}",
    )


def test_secrets_are_files_that_git_does_not_see() -> None:
    settings = {**PARSED["global"]}
    files = {name: settings[name] for name in settings if name.endswith("_file")}

    assert files == {
        "slack_api_url_file": "secrets/slack_webhook_url",
        "smtp_auth_password_file": "secrets/smtp_password",
    }
    assert "monitoring/alertmanager/secrets/" in (CHECKOUT / ".gitignore").read_text().split()
    assert not re.search(r"hooks\.slack|(api_url|password): ", CONFIG.read_text())


def test_what_is_inhibited_by_name_is_an_alert() -> None:
    names = {rule["alert"] for rule in ALERTS}
    named = {
        name
        for rule in PARSED["inhibit_rules"]
        for matcher in rule["source_matchers"] + rule["target_matchers"]
        if matcher.startswith("alertname")
        for name in re.sub(r'alertname!?[=~]+"([\w|]+)"', r"\1", matcher).split("|")
    }

    assert named
    assert named <= names


def test_nothing_mutes_the_alerts_of_the_monitoring_itself() -> None:
    itself = {"NotificationsFail", "RuleEvaluationsFail", "SamplesDropped", "Watchdog"}
    [everything] = [
        rule["target_matchers"][0]
        for rule in PARSED["inhibit_rules"]
        if rule["source_matchers"] == ['alertname="ExporterDown"']
    ]

    assert everything.startswith("alertname!~")
    assert itself <= set(re.findall(r"\w+", everything))


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("housing.slack", "<{}|Runbook>"),
        ("housing.mail", "{}\n"),
        ("housing.mail.html", '<a href="{}">Runbook</a>'),
    ],
)
def test_the_runbook_is_a_link(tmp_path: Path, template: str, link: str) -> None:
    data = tmp_path / "firing.json"
    data.write_text(json.dumps(FIRING))

    text = run(
        "amtool",
        "template",
        "render",
        f"--template.glob={CONFIG.with_name('housing.tmpl')}",
        f'--template.text={{{{ template "{template}" . }}}}',
        f"--template.data={data}",
    )

    [url] = RUNBOOK.findall(text)
    assert link.format(url) in text
    assert "It was made 31 days ago." in text


def test_the_receivers_send_what_the_templates_say() -> None:
    [both] = [one for one in PARSED["receivers"] if one["name"] == "slack-and-email"]

    assert PARSED["templates"] == ["housing.tmpl"]
    assert both["slack_configs"][0]["text"] == '{{ template "housing.slack" . }}'
    assert both["email_configs"][0]["html"] == '{{ template "housing.mail.html" . }}'
    assert both["email_configs"][0]["text"] == '{{ template "housing.mail" . }}'


def test_an_alert_is_remembered_until_it_is_sent_again() -> None:
    def hours(text: str) -> int:
        number, unit = re.fullmatch(r"(\d+)([hdw])", text).groups()  # type: ignore[union-attr]
        return int(number) * {"h": 1, "d": 24, "w": 168}[unit]

    route = PARSED["route"]
    intervals = [one["repeat_interval"] for one in (route, *route["routes"])]
    compose = (CHECKOUT / "monitoring/docker-compose.yaml").read_text()
    [kept] = re.findall(r"--data\.retention=(\w+)", compose)

    assert max(map(hours, (i for i in intervals if not i.endswith("m")))) < hours(kept)
    assert kept == start.ALERTS_KEPT
