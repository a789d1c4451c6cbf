import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from local_stack.errors import ServiceError
from local_stack.services.catalogue import Service
from local_stack.services.supervisor import await_healthy, ensure, is_healthy, running, stop
from local_stack.settings import StackSettings


def service(heartbeat: Path) -> Service:
    return Service("bridge", "bridge", ("true",), {}, startup_seconds=1, heartbeat=heartbeat)


def test_a_program_without_a_port_is_healthy_while_it_gives_signs_of_life(tmp_path: Path) -> None:
    heartbeat = tmp_path / "heartbeat"
    assert not is_healthy(service(heartbeat))

    heartbeat.touch()
    assert is_healthy(service(heartbeat))

    os.utime(heartbeat, (time.time() - 60,) * 2)
    assert not is_healthy(service(heartbeat))


def test_where_a_service_is_found_is_said() -> None:
    door = Service("api", "door", ("true",), {}, startup_seconds=1, port=5001)

    assert door.where == "http://127.0.0.1:5001"
    assert service(Path("x")).where == "no port"


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return StackSettings(state_dir=tmp_path)


def program(settings: StackSettings, script: str, *, startup_seconds: float) -> Service:
    command = (sys.executable, "-c", script)
    heartbeat = settings.state_dir / "heartbeat"
    environment = {"PATH": os.environ["PATH"]}
    return Service(
        "bridge",
        "bridge",
        command,
        environment,
        startup_seconds=startup_seconds,
        heartbeat=heartbeat,
    )


def test_a_program_that_ends_at_once_is_an_error_with_its_last_output(
    settings: StackSettings,
) -> None:
    failing = program(settings, "raise SystemExit('no such table')", startup_seconds=30)
    ensure(settings, failing)

    with pytest.raises(ServiceError, match=r"ended during its start(?s:.*)no such table"):
        await_healthy(settings, failing)


def test_a_program_that_does_not_respond_in_time_is_an_error(settings: StackSettings) -> None:
    silent = program(settings, "import time; time.sleep(60)", startup_seconds=0.5)
    ensure(settings, silent)

    try:
        with pytest.raises(ServiceError, match=r"is not healthy after 0 s .*heartbeat"):
            await_healthy(settings, silent)
    finally:
        assert stop(settings, "bridge")


def test_a_program_that_runs_as_described_is_kept_and_another_is_restarted(
    settings: StackSettings,
) -> None:
    script = f"open({str(settings.state_dir / 'heartbeat')!r}, 'w'); import time; time.sleep(60)"
    lives = program(settings, script, startup_seconds=30)
    try:
        assert ensure(settings, lives)
        await_healthy(settings, lives)
        assert not ensure(settings, lives)
        before = running(settings, "bridge")
        changed = replace(lives, environment={**lives.environment, "A": "b"})
        assert ensure(settings, changed)
        await_healthy(settings, changed)
        after = running(settings, "bridge")
    finally:
        assert stop(settings, "bridge")

    assert before is not None
    assert after is not None
    assert before != after
    assert not stop(settings, "bridge")
