"""GitHub's workflows: nothing in them that can move, that may too much, or that is not there."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from housing_ops.checkout import CHECKOUT

WORKFLOWS = sorted((CHECKOUT / ".github/workflows").glob("*.y*ml"))
MAKEFILE = CHECKOUT / "Makefile"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
Jobs = dict[str, dict[str, Any]]


def workflow(path: Path) -> dict[str, Any]:
    """Read one; YAML 1.1 takes its key ``on`` for a boolean."""
    document: dict[Any, Any] = yaml.safe_load(path.read_text())
    return {"on" if key is True else key: value for key, value in document.items()}


def jobs(path: Path) -> Jobs:
    jobs_of_it: Jobs = workflow(path)["jobs"]
    return jobs_of_it


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job.get("steps", [])]


def actions(path: Path) -> list[str]:
    """Return what is used of others: actions, and workflows that are not this repository's."""
    used = [part["uses"] for part in (*steps(path), *jobs(path).values()) if "uses" in part]
    return [name for name in used if not name.startswith("./")]


def called_targets(path: Path) -> set[str]:
    scripts = [step["run"] for step in steps(path) if "run" in step]
    calls = [call for script in scripts for call in re.findall(r"\bmake\b([^\n;&|]*)", script)]
    words = [word for call in calls for word in call.split("#")[0].split()]
    return {word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)}


def targets() -> set[str]:
    rules = re.findall(r"^([a-z][a-z -]*):(?!=)", MAKEFILE.read_text(), re.MULTILINE)
    return {name for rule in rules for name in rule.split()}


def test_there_are_workflows_and_their_parts_are_read() -> None:
    assert [path.name for path in WORKFLOWS] == ["checks.yaml", "delivery.yaml", "nightly.yaml"]
    assert {"lint", "test", "coverage", "audit", "build"} <= called_targets(WORKFLOWS[0])
    assert all(actions(path) for path in WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_commit_and_named_by_its_version(path: Path) -> None:
    loose = [name for name in actions(path) if not PINNED.fullmatch(name)]
    lines = [line for line in path.read_text().splitlines() if "uses:" in line and "@" in line]

    assert loose == []
    assert [line for line in lines if not re.search(r" # v\d+\.\d+\.\d+$", line)] == []


def test_one_commit_of_an_action_serves_all() -> None:
    pins = {name for path in WORKFLOWS for name in actions(path)}

    assert len(pins) == len({name.partition("@")[0] for name in pins})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_have_only_the_permissions_that_a_job_lists(path: Path) -> None:
    assert workflow(path)["permissions"] == {}
    assert [name for name, job in jobs(path).items() if "permissions" not in job] == []
    granted = {
        (scope, level) for job in jobs(path).values() for scope, level in job["permissions"].items()
    }
    assert granted <= {("contents", "read"), ("id-token", "write")}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_only_jobs_that_use_aws_get_an_identity_token(path: Path) -> None:
    to_aws = "aws-actions/configure-aws-credentials@"
    going = {
        name
        for name, job in jobs(path).items()
        if any(step.get("uses", "").startswith(to_aws) for step in job.get("steps", []))
    }
    asking = {name for name, job in jobs(path).items() if "id-token" in job["permissions"]}

    assert asking == going
    assert all("environment" in jobs(path)[name] for name in going)
    assert "secrets." not in path.read_text()  # no key that lives long


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_an_end_and_every_workflow_its_turn(path: Path) -> None:
    own = {name: job for name, job in jobs(path).items() if "uses" not in job}  # GitHub's rule

    assert [name for name, job in own.items() if not 0 < job.get("timeout-minutes", 0) <= 90] == []
    assert "group" in workflow(path)["concurrency"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_checkout_leaves_no_token_behind(path: Path) -> None:
    checkouts = [
        step for step in steps(path) if step.get("uses", "").startswith("actions/checkout@")
    ]

    assert checkouts
    assert [step for step in checkouts if step["with"]["persist-credentials"] is not False] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_that_is_called_is_there(path: Path) -> None:
    assert called_targets(path) - targets() == set()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_script_that_is_called_is_there(path: Path) -> None:
    scripts = " ".join(step["run"] for step in steps(path) if "run" in step)
    called = set(re.findall(r"(?:\.ci|infra)/[\w-]+", scripts))

    assert [name for name in called if not (CHECKOUT / name).stat().st_mode & 0o111] == []


def test_production_comes_after_staging_and_waits_for_reviewers() -> None:
    delivery = jobs(CHECKOUT / ".github/workflows/delivery.yaml")

    assert "staging" in delivery["production"]["needs"]
    assert delivery["production"]["environment"] == "production"
    assert delivery["staging"]["needs"] == "image"
    assert delivery["image"]["needs"] == "checks"


def test_dependabot_covers_every_kind_of_pin() -> None:
    config = yaml.safe_load((CHECKOUT / ".github/dependabot.yaml").read_text())
    folders = {
        (entry["package-ecosystem"], folder)
        for entry in config["updates"]
        for folder in entry.get("directories", [entry.get("directory")])
    }

    assert ("pip", "/requirements") in folders
    assert ("github-actions", "/") in folders
    assert ("docker", "/functions/retrain") in folders
    assert {("gomod", "/monitoring/yace"), ("gomod", "/.github/tools")} <= folders
    assert all((CHECKOUT / folder.strip("/")).is_dir() for _, folder in folders)
