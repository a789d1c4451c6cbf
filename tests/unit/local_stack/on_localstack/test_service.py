import os
import sys
from pathlib import Path

import pytest

from housing_ops.checkout import CHECKOUT
from local_stack.on_localstack import __main__ as on_localstack
from local_stack.on_localstack.service import IMAGE, in_container, in_host_mode
from local_stack.services.catalogue import Service
from local_stack.settings import StackSettings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(state_dir=tmp_path, aws_port=4600)


def test_in_host_mode_it_is_bound_to_loopback_and_runs_processes(settings: StackSettings) -> None:
    service = in_host_mode(settings)

    assert service.command[0] == str(settings.venvs_dir / "localstack/bin/python")
    assert service.environment["GATEWAY_LISTEN"] == "127.0.0.1:4600"
    assert service.environment["GATEWAY_SERVER"] == "loopback"
    assert service.environment["LAMBDA_RUNTIME_EXECUTOR"] == "process"
    assert service.health_url == "http://127.0.0.1:4600/_localstack/health"


def test_its_container_gets_the_same_and_the_token_is_on_no_command_line(
    settings: StackSettings,
) -> None:
    service = in_container(settings, docker="/usr/bin/docker", token="secret")

    assert service.command[:2] == ("/usr/bin/docker", "run")
    assert service.command[-1] == IMAGE
    assert "GATEWAY_LISTEN=127.0.0.1:4600" in service.command
    assert f"{CHECKOUT}:{CHECKOUT}" in service.command
    assert "secret" not in " ".join(service.command)
    assert service.environment["LOCALSTACK_AUTH_TOKEN"] == "secret"


def test_its_container_finds_the_plug_ins_that_are_installed_in_host_mode(
    settings: StackSettings, tmp_path: Path
) -> None:
    in_container(settings, docker="docker", token="t")

    [written] = (tmp_path / "plugins").glob("*.dist-info/entry_points.txt")
    assert written.read_text().splitlines() == [
        "[localstack.lambda.runtime_executor]",
        "process = local_stack.on_localstack.executor:ProcessExecutorPlugin",
        "",
        "[localstack.runtime.server]",
        "loopback = local_stack.on_localstack.gateway_server:LoopbackServerPlugin",
    ]


@pytest.fixture
def in_its_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Put a program in LocalStack's place that gives a sign of life, and says how it was ended."""
    script = tmp_path / "localstack.py"
    script.write_text(
        "import pathlib, signal, sys, time\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        "def end(*_):\n"
        "    (folder / 'ended').touch()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "(folder / 'heartbeat').touch()\n"
        "time.sleep(60)\n"
    )
    service = Service(
        "aws",
        "LocalStack",
        (sys.executable, str(script)),
        {"PATH": os.environ["PATH"]},
        startup_seconds=20,
        heartbeat=tmp_path / "heartbeat",
    )
    monkeypatch.setattr(on_localstack, "in_host_mode", lambda _: service)
    monkeypatch.setattr(on_localstack, "_free_port", lambda: 4600)
    monkeypatch.setenv("HOUSING_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("LOCALSTACK_AUTH_TOKEN", raising=False)
    return tmp_path


def test_the_command_finds_it_and_its_exit_status_counts(in_its_place: Path) -> None:
    output = in_its_place / "found"
    script = f"printf %s $HOUSING_AWS_ENDPOINT > {output}; exit 3"

    assert on_localstack.main(["sh", "-c", script]) == 3

    assert output.read_text() == "http://127.0.0.1:4600"
    assert (in_its_place / "ended").exists()


def test_where_it_does_not_come_up_the_command_is_not_run(
    in_its_place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (in_its_place / "localstack.py").write_text("raise SystemExit('no such module')")

    assert on_localstack.main(["touch", str(in_its_place / "run")]) == 1

    assert "the LocalStack ended during its start" in capsys.readouterr().err
    assert not (in_its_place / "run").exists()


@pytest.mark.parametrize(("engine", "kind"), [("0", "in_container"), ("1", "in_host_mode")])
def test_its_container_wants_a_token_and_an_engine_that_answers(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    settings: StackSettings,
    engine: str,
    kind: str,
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\nexit {engine}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOCALSTACK_AUTH_TOKEN", "secret")
    program = {"in_container": str(docker), "in_host_mode": in_host_mode(settings).command[0]}

    assert on_localstack._service(settings).command[0] == program[kind]
