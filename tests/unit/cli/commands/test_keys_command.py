"""``housing keys``: made at both doors, moved without a gap, ended at both."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from fakes.api_gateway import FakeApiGateway
from fakes.command_line import CommandLine
from housing.api_keys import ApiKeyDocument, Scope
from housing_cli.services import Services
from local_stack.deploy.deployment import KEY_VARIABLES, ensure_keys


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with mock_aws():
        secrets = boto3.client("secretsmanager", region_name="us-east-1")
        secrets.create_secret(Name="keys", SecretString='{"keys": []}')
        monkeypatch.setenv("HOUSING_API_KEYS", "keys")
        monkeypatch.setenv("HOUSING_USAGE_PLAN_ID", "plan")
        yield


@pytest.fixture
def gateway() -> FakeApiGateway:
    return FakeApiGateway()


@pytest.fixture
def housing(gateway: FakeApiGateway) -> CommandLine:
    return CommandLine(Services(gateway=gateway))  # type: ignore[arg-type]


def made(housing: CommandLine, scope: str) -> dict[str, Any]:
    done = housing("keys", "create", "--scope", scope, "--json")
    assert done.exit_code == 0, done.output
    created: dict[str, Any] = json.loads(done.stdout)
    return created


def document(housing: CommandLine) -> ApiKeyDocument:
    return housing.services.key_ring.document()


def test_a_new_key_is_in_both_stores_and_its_value_in_one(
    housing: CommandLine, gateway: FakeApiGateway
) -> None:
    key = made(housing, "predict")

    (at_gateway,) = gateway.keys.values()
    assert (at_gateway["name"], at_gateway["value"]) == (key["id"], key["key"])
    entry = document(housing).find(key["key"])
    assert entry is not None
    assert (entry.id, *entry.scopes) == (key["id"], Scope.PREDICT)
    assert key["key"] not in document(housing).model_dump_json()
    assert gateway.on_plan == [("plan", at_gateway["id"])]


def test_the_old_key_stays_valid_until_it_is_revoked(housing: CommandLine) -> None:
    old, new = made(housing, "admin"), made(housing, "admin")
    assert document(housing).find(old["key"])
    assert document(housing).find(new["key"])

    done = housing("keys", "revoke", old["id"])

    assert done.exit_code == 0
    assert document(housing).find(old["key"]) is None
    assert document(housing).find(new["key"])
    listed = json.loads(housing("keys", "list", "--json").stdout)
    assert [entry["id"] for entry in listed] == [new["id"]]
    assert new["id"] in housing("keys", "list").stdout


def test_a_new_key_is_printed_once_with_a_note(housing: CommandLine) -> None:
    done = housing("keys", "create", "--scope", "predict")

    name, key = (line.split()[1] for line in done.stdout.splitlines()[:2])
    entry = document(housing).find(key)
    assert entry is not None
    assert entry.id == name
    assert "It is not shown again." in done.stdout


def test_a_revocation_for_scripts_names_the_key(housing: CommandLine) -> None:
    key = made(housing, "predict")

    done = housing("keys", "revoke", key["id"], "--json")

    assert json.loads(done.stdout) == {"id": key["id"]}


def test_a_revoked_key_is_gone_at_the_gateway_too(
    housing: CommandLine, gateway: FakeApiGateway
) -> None:
    key = made(housing, "predict")

    housing("keys", "revoke", key["id"])

    assert gateway.keys == {}


def test_an_interrupted_revocation_is_finished_by_the_same_command(
    housing: CommandLine, gateway: FakeApiGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = made(housing, "predict")

    def interrupted(**_: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "delete_api_key", interrupted)
        housing("keys", "revoke", key["id"])
    assert list(gateway.keys)

    assert housing("keys", "revoke", key["id"]).exit_code == 0
    assert gateway.keys == {}


def test_revoking_what_is_not_there_says_what_to_do(housing: CommandLine) -> None:
    done = housing("keys", "revoke", "predict-1")

    assert done.exit_code == 1
    assert "housing keys list" in done.stderr


def test_the_local_stack_keeps_its_keys_while_they_are_valid(
    housing: CommandLine, tmp_path: Any
) -> None:
    ring, env = housing.services.key_ring, tmp_path / "env"
    first = ensure_keys(ring, env)
    env.write_text("".join(f"{KEY_VARIABLES[scope]}={key}\n" for scope, key in first.items()))

    assert ensure_keys(ring, env) == first
    assert len(ring.document().keys) == 2

    env.write_text(f"{KEY_VARIABLES[Scope.ADMIN]}={first[Scope.ADMIN]}\n")
    second = ensure_keys(ring, env)
    assert second[Scope.ADMIN] == first[Scope.ADMIN]
    assert second[Scope.PREDICT] != first[Scope.PREDICT]
