import os
import time
from pathlib import Path

from local_stack.services import Service, is_healthy


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
    assert service(Path("x")).where == "listens nowhere"
