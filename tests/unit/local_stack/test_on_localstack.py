from pathlib import Path

import pytest

from local_stack.on_localstack.service import IMAGE, in_container, in_host_mode
from local_stack.settings import CHECKOUT, StackSettings


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
