"""Alerts reach the right people, by amtool's word; no secret is in the file."""

import re
from typing import Any

import pytest
import yaml

from monitoring.programs import CHECKOUT, run

CONFIG = CHECKOUT / "monitoring/alertmanager/alertmanager.yaml"
PARSED: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
RULES = yaml.safe_load((CHECKOUT / "monitoring/prometheus/alerts.yaml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
RECEIVERS = {"critical": "slack-and-email", "warning": "slack", "info": "slack"}


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
    matchers = [
        matcher
        for rule in PARSED["inhibit_rules"]
        for matcher in rule["source_matchers"] + rule["target_matchers"]
        if matcher.startswith("alertname")
    ]

    assert matchers
    assert {re.sub(r'alertname!?="(\w+)"', r"\1", matcher) for matcher in matchers} <= names
