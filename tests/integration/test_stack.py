"""The stack as a thing that is started, broken, repaired, interrupted and ended."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from housing.schema import FEATURES
from housing_ops.checkout import CHECKOUT
from integration.running_stack import (
    ENDPOINT,
    RunningStack,
    environment_of,
    forgotten,
    free_ports,
    local_stack,
    processes_of,
    wait_for,
)
from local_stack.services import processes
from monitoring.chain import settings_or_skip

pytestmark = pytest.mark.integration
EXAMPLE = {column.name: column.example for column in FEATURES}


@pytest.fixture
def environment(tmp_path: Path, first_csv: Path) -> Iterator[dict[str, str]]:
    made = environment_of(tmp_path / "stack", free_ports(3), first_csv)
    yield made
    forgotten(made)


def service(stack: RunningStack, name: str) -> psutil.Process:
    if name == "aws" and ENDPOINT:
        owner = processes.listener(urlsplit(ENDPOINT).port or 0)
        assert owner, "whose endpoint it is cannot be seen"
        return owner
    record = processes.read_record(stack.state_dir / "run" / f"{name}.json")
    process = record.process() if record else None
    assert process, f"{name} is down"
    return process


def test_everything_listens_on_loopback_only(stack: RunningStack) -> None:
    listening = [
        connection.laddr
        for process in {*processes_of(stack.state_dir), service(stack, "aws")}
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert len(listening) >= 3
    assert {address[0] for address in listening} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "victims", [["aws"], ["mlflow", "api", "bridge"], ["aws", "mlflow", "api"]]
)
def test_a_half_dead_stack_is_repaired_and_remembers(
    stack: RunningStack, victims: list[str]
) -> None:
    before = stack.health()["model"]["version"]
    for name in victims:
        processes.stop(service(stack, name), terminate_seconds=0)
    assert local_stack(stack.environment, "status", check=False).returncode == 1

    local_stack(stack.environment, "up")

    assert local_stack(stack.environment, "status").returncode == 0
    assert stack.health()["model"]["version"] == before


def test_with_the_registry_down_a_cold_function_serves_the_last_promoted_model(
    stack: RunningStack,
) -> None:
    before = stack.health()["model"]["version"]
    processes.stop(service(stack, "mlflow"))
    cold = stack.sandboxes("predict")
    for process in cold:
        process.kill()

    with stack.api() as api:
        answer = api.post("/predict", json=EXAMPLE)
    health = stack.health()
    local_stack(stack.environment, "up")

    assert cold
    assert (answer.status_code, answer.headers.get("x-model-stale")) == (200, "true")
    assert (answer.json()["model_version"], answer.json()["stale"]) == (before, True)
    assert (health["status"], health["model"]["version"]) == ("degraded", before)
    wait_for(lambda: stack.health()["status"] == "ok")


def test_a_second_up_changes_nothing(stack: RunningStack) -> None:
    names = ("aws", "mlflow", "api")
    before = {name: service(stack, name).pid for name in names}
    env = stack.env

    local_stack(stack.environment, "up")

    assert {name: service(stack, name).pid for name in names} == before
    assert stack.env == env


def test_the_state_of_the_stack_survives_a_stop(stack: RunningStack) -> None:
    before, env = stack.health()["model"]["version"], stack.env

    local_stack(stack.environment, "down")
    left = processes_of(stack.state_dir)
    local_stack(stack.environment, "up")

    assert left == []
    assert stack.health()["model"]["version"] == before
    assert stack.env == env


def test_the_monitoring_runs_beside_it_on_loopback_and_is_ended_with_it(
    stack: RunningStack,
) -> None:
    settings_or_skip()
    names = ("yace", "prometheus", "alertmanager")
    ports = zip(names, free_ports(3), strict=True)
    environment = {f"HOUSING_{name.upper()}_PORT": str(port) for name, port in ports}
    environment |= stack.environment

    try:
        local_stack(environment, "monitor")
        first = {name: service(stack, name).pid for name in names}
        everywhere = {
            connection.laddr.ip
            for process in processes_of(stack.state_dir)
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        }
        local_stack(environment, "monitor")
        again = {name: service(stack, name).pid for name in names}
        said = local_stack(environment, "status").stdout
    finally:
        ended = local_stack(environment, "down").stdout
        left = processes_of(stack.state_dir)
        local_stack(environment, "up")

    assert again == first
    assert everywhere == {"127.0.0.1"}
    assert all(name in said for name in names)
    assert "prometheus, alertmanager, yace" in ended
    assert left == []


def test_a_taken_port_is_named_with_its_owner_and_the_way_out(
    environment: dict[str, str],
) -> None:
    port = int(environment["HOUSING_MLFLOW_PORT"])

    with socket.create_server(("127.0.0.1", port)):
        done = local_stack(environment, "up", check=False)

    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "HOUSING_MLFLOW_PORT=" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("moment", "kind"),
    [
        ("local AWS endpoint", signal.SIGINT),
        ("CloudFormation stack", signal.SIGTERM),
        ("first model", signal.SIGINT),
    ],
)
def test_an_interrupt_at_any_time_leaves_no_process(
    environment: dict[str, str], moment: str, kind: signal.Signals
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-u", "-m", "local_stack", "up"],
        env=environment,
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert run.stdout
    with run:
        for line in run.stdout:
            if moment in line:
                break
        run.send_signal(kind)
        run.communicate(timeout=60)

    assert run.returncode == 130
    state_dir = Path(environment["HOUSING_STATE_DIR"])
    wait_for(lambda: not processes_of(state_dir), seconds=10)


def test_clean_forgets(environment: dict[str, str]) -> None:
    state_dir = Path(environment["HOUSING_STATE_DIR"])
    (state_dir / "aws").mkdir(parents=True)

    local_stack(environment, "clean")

    assert not state_dir.exists()
