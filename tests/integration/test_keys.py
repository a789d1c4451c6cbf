"""Keys on the deployed stack: two doors, scopes, and a move to a new key without a gap."""

import json

import pytest

from housing.schema import FEATURES
from integration.running_stack import RunningStack, wait_for

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}
FORGOTTEN_WITHIN_SECONDS = 90


def status_of(stack: RunningStack, key: str) -> int:
    with stack.api(key=key) as api:
        return api.post("/predict", json=EXAMPLE).status_code


def test_a_wrong_key_opens_nothing(stack: RunningStack) -> None:
    assert status_of(stack, "wrong") == 403  # the gateway's word


def test_a_key_for_predictions_changes_nothing(stack: RunningStack) -> None:
    with stack.api() as api:
        answer = api.post("/models/rollback", json={"reason": "a test"})

    assert answer.status_code == 403
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "scope admin" in answer.json()["detail"]


def test_clients_move_to_a_new_key_without_a_gap(stack: RunningStack) -> None:
    old = json.loads(stack.housing("keys", "create", "--json").stdout)
    wait_for(lambda: status_of(stack, old["key"]) == 200, seconds=20)
    new = json.loads(stack.housing("keys", "create", "--json").stdout)

    wait_for(lambda: status_of(stack, new["key"]) == 200, seconds=20)
    assert status_of(stack, old["key"]) == 200
    assert stack.housing("keys", "revoke", old["id"]).returncode == 0

    assert status_of(stack, new["key"]) == 200
    wait_for(lambda: status_of(stack, old["key"]) == 403, seconds=FORGOTTEN_WITHIN_SECONDS)
