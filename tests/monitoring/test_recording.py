"""The recording rules count every point once and keep what a job found, by promtool's word."""

import pytest
import yaml

from monitoring.programs import CHECKOUT, run

RULES = CHECKOUT / "monitoring/prometheus/recording.yaml"
CASES = sorted((CHECKOUT / "tests/monitoring/recording").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_cases_hold(path: object) -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", str(path))


def test_promtool_accepts_rules_and_configuration() -> None:
    assert "SUCCESS" in run("promtool", "check", "rules", str(RULES))
    run("promtool", "check", "config", str(RULES.parent / "prometheus.yaml"))


def test_no_name_is_made_twice() -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    made = [
        (rule["record"], *sorted(rule.get("labels", {}).items()))
        for group in groups
        for rule in group["rules"]
    ]

    assert len(set(made)) == len(made)
