"""Start and stop services, and check their health."""

import math
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil

from local_stack.errors import PortTakenError, ServiceError
from local_stack.services import processes
from local_stack.services.catalogue import MONITORING_NAMES, Service
from local_stack.settings import StackSettings

_POLL_SECONDS = 0.2
_LOG_LINES = 15
_HEARTBEAT_SECONDS = 15.0


def record_path(settings: StackSettings, name: str) -> Path:
    """Return the file of a service's process id."""
    return settings.run_dir / f"{name}.json"


def log_path(settings: StackSettings, name: str) -> Path:
    """Return the log file of a service."""
    return settings.logs_dir / f"{name}.log"


def running(settings: StackSettings, name: str) -> psutil.Process | None:
    """Return the service's process; None if it does not run."""
    record = processes.read_record(record_path(settings, name))
    return record.process() if record else None


def ensure(settings: StackSettings, service: Service) -> bool:
    """Start the service unless it runs with this command; return whether it was started.

    Raises:
        PortTakenError: Another program listens on its port.
    """
    record = processes.read_record(record_path(settings, service.name))
    process = record.process() if record else None
    if record and process:
        if record.digest == service.digest and is_healthy(service):
            return False
        processes.stop(process)
    if service.port:
        _require_free_port(service)
    if service.heartbeat:
        service.heartbeat.unlink(missing_ok=True)
    processes.start(
        service.command,
        environment=service.environment,
        log=log_path(settings, service.name),
        record=record_path(settings, service.name),
        digest=service.digest,
    )
    return True


def await_healthy(settings: StackSettings, service: Service) -> None:
    """Wait until the service is healthy.

    Raises:
        ServiceError: It ended, or is not healthy in time.
    """
    deadline = time.monotonic() + service.startup_seconds
    while not is_healthy(service):
        log = log_path(settings, service.name)
        if running(settings, service.name) is None:
            msg = f"the {service.title} ended during its start; the end of {log}:\n{_tail(log)}"
            raise ServiceError(msg)
        if time.monotonic() > deadline:
            msg = (
                f"the {service.title} is not healthy after {service.startup_seconds:.0f} s "
                f"({service.heartbeat or service.health_url}); the end of {log}:\n{_tail(log)}"
            )
            raise ServiceError(msg)
        time.sleep(_POLL_SECONDS)


def is_healthy(service: Service) -> bool:
    """Return whether the health URL answers 200, or the heartbeat is recent."""
    if service.heartbeat:
        return _age_seconds(service.heartbeat) < _HEARTBEAT_SECONDS
    try:
        with urllib.request.urlopen(service.health_url, timeout=5) as answer:  # noqa: S310 - http  # nosec B310
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP OK
    except (urllib.error.URLError, OSError):
        return False


def _age_seconds(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def stop(settings: StackSettings, name: str) -> bool:
    """Stop the service; return whether it ran."""
    process = running(settings, name)
    if process:
        processes.stop(process)
    record_path(settings, name).unlink(missing_ok=True)
    return process is not None


def _require_free_port(service: Service) -> None:
    if not processes.is_port_taken(service.port):
        return
    owner = processes.listener(service.port)
    who = f"{owner.name()} (process {owner.pid})" if owner else "another program"
    command = "make monitoring" if service.name in MONITORING_NAMES else "make run"
    msg = (
        f"port {service.port}, of the {service.title}, is taken by {who}. Stop that program, or "
        f"use another port: {service.port_variable}={service.port + 1000} {command}"
    )
    raise PortTakenError(msg)


def _tail(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(lines[-_LOG_LINES:])
