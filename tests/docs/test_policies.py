"""docs/iam: who deploys may make all that the template holds, and little else."""

import json
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint_all
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

import write_policies
from housing_ops.checkout import CHECKOUT
from infra.transforming import transformed

FOLDER = CHECKOUT / "docs/iam"


@pytest.fixture(scope="module")
def types() -> set[str]:
    """Return the types of resources that the template becomes, whatever its conditions."""
    return {resource["Type"] for resource in transformed()["Resources"].values()}


def statements(path: Path) -> list[dict[str, Any]]:
    statement_list: list[dict[str, Any]] = json.loads(path.read_text())["Statement"]
    return statement_list


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_every_type_of_the_template_is_covered(types: set[str]) -> None:
    covered = {kind for kinds in write_policies.TYPES.values() for kind in kinds}

    assert len(types) > 15
    assert types <= covered, "name them in TYPES of tools/docs/write_policies.py and run it"


def test_created_resources_may_be_tagged() -> None:
    for name, kinds in write_policies.TYPES.items():
        allowed = {
            action
            for statement in statements(FOLDER / f"{name}.json")
            for action in as_list(statement["Action"])
        }
        for kind in kinds:
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
            tagging = schema.get("tagging", {}).get("permissions", ())
            wanted = {action for action in tagging if not write_policies._UNUSED.search(action)}

            assert {one.lower() for one in wanted} <= {one.lower() for one in allowed}, kind


def test_the_kept_policies_are_what_the_script_writes() -> None:
    for name, policy in write_policies.policies().items():
        kept = (FOLDER / f"{name}.json").read_text()

        assert kept == write_policies.text_of(policy), "run tools/docs/write_policies.py"


def test_a_policy_is_no_longer_than_iam_takes() -> None:
    for policy in write_policies.policies().values():
        size = len(json.dumps(policy, separators=(",", ":")))

        assert size <= write_policies.MANAGED_POLICY_CHARACTERS


def test_actions_are_those_of_iam_and_narrowed_where_iam_can() -> None:
    known = write_policies._iam()
    for path in FOLDER.glob("*.json"):
        if path.stem == "github-trust":
            continue
        for statement in statements(path):
            for action in as_list(statement["Action"]):
                service, _, name = action.partition(":")
                assert name.lower() in known[service]["Actions"], action
                if statement["Resource"] == "*":
                    assert not known[service]["Actions"][name.lower()].get("Resources"), action


def test_they_are_valid_as_managed_policies() -> None:
    paths = [path for path in FOLDER.glob("*.json") if path.stem != "github-trust"]
    documents = [json.loads(path.read_text().replace("ACCOUNT", "123456789012")) for path in paths]
    template = {
        "Resources": {
            f"Policy{number}": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"PolicyDocument": document},
            }
            for number, document in enumerate(documents)
        }
    }

    problems = [
        one for one in lint_all(json.dumps(template)) if one.rule.severity != "informational"
    ]

    assert len(documents) == 5
    assert [str(one) for one in problems] == []


def test_the_deployer_reads_no_data_and_passes_roles_to_services_only() -> None:
    for path in FOLDER.glob("deployer*.json"):
        for statement in statements(path):
            actions, resources = as_list(statement["Action"]), as_list(statement["Resource"])
            if any("Object" in action for action in actions):
                assert resources == ["arn:aws:s3:::aws-sam-cli-managed-default-*/*"]
            if "iam:PassRole" in actions:
                assert statement["Condition"]["StringEquals"]["iam:PassedToService"]


def test_the_repository_is_named_in_the_trust_with_its_environment() -> None:
    [statement] = statements(FOLDER / "github-trust.json")
    subjects = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]

    assert all(subject.startswith("repo:OWNER/REPOSITORY:environment:") for subject in subjects)
