"""``make monitoring``: YACE, Prometheus and Alertmanager as processes beside the stack."""

import hashlib
import shutil
import time
from pathlib import Path

from housing_ops.checkout import CHECKOUT
from housing_ops.progress import Progress
from local_stack.deploy import environment_file
from local_stack.errors import MissingProgramError, ServiceError, StackError
from local_stack.monitoring import configuration, health
from local_stack.services import supervisor
from local_stack.services.catalogue import Service, aws_environment, clean_environment
from local_stack.settings import LOOPBACK, REGION, StackSettings

BUILT_YACE = CHECKOUT / ".tools" / "yace"
_KEPT = "60d"
ALERTS_KEPT = "240h"  # longer than a repeat_interval, or its alerts are sent again earlier
_MINUTES_EVERY = 30  # seconds; on AWS it is 60, where each call costs
_HOURS_EVERY = 300
_TARGETS_WITHIN_SECONDS = 60.0
_POLL_SECONDS = 0.2
_HOW = {
    "yace": "install Go 1.25 or newer (https://go.dev/dl), and make monitoring builds it",
    "prometheus": "on Debian and Ubuntu: apt-get install --no-install-recommends prometheus",
    "alertmanager": (
        "on Debian and Ubuntu: apt-get install --no-install-recommends prometheus-alertmanager"
    ),
}


def up(settings: StackSettings, progress: Progress) -> list[Service]:
    """Start or repair the monitoring.

    Raises:
        StackError: The stack is not running.
        MissingProgramError: A program is not installed.
        ServiceError: A program does not start, or Prometheus does not do its work.
    """
    if not settings.aws_endpoint and supervisor.running(settings, "aws") is None:
        msg = "the stack is not running: start it first, with make run"
        raise StackError(msg)
    paths = programs(settings)
    folder = settings.state_dir / "monitoring"
    configuration.write(settings, folder)
    environment_file.write_ports(settings)
    monitoring = [
        _yace(settings, paths["yace"], folder),
        _yace_of_hours(settings, paths["yace"], folder),
        _alertmanager(settings, paths["alertmanager"], folder),
        _prometheus(settings, paths["prometheus"], folder),
    ]
    for service in monitoring:
        supervisor.ensure(settings, service)
    for service in monitoring:
        with progress.step(service.title) as step:
            supervisor.await_healthy(settings, service)
            step.note = service.where
    with progress.step("targets and rules of Prometheus"):
        _await_work(settings)
    return monitoring


def _await_work(settings: StackSettings) -> None:
    deadline = time.monotonic() + _TARGETS_WITHIN_SECONDS
    while fault := health.prometheus_fault(settings):
        if time.monotonic() > deadline:
            msg = f"Prometheus {fault}; its log: {supervisor.log_path(settings, 'prometheus')}"
            raise ServiceError(msg)
        time.sleep(_POLL_SECONDS)


def programs(settings: StackSettings) -> dict[str, Path]:
    """Return the paths of the programs.

    Raises:
        MissingProgramError: Some are not installed; the message says how to install each.
    """
    paths = {
        "yace": _path(settings.yace, [str(BUILT_YACE), "yace"]),
        "prometheus": _path(settings.prometheus, ["prometheus"]),
        "alertmanager": _path(settings.alertmanager, ["prometheus-alertmanager", "alertmanager"]),
    }
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        steps = [f"{name}: {_HOW[name]}, or HOUSING_{name.upper()}=path" for name in missing]
        raise MissingProgramError("programs are missing\n  " + "\n  ".join(steps))
    return {name: path for name, path in paths.items() if path is not None}


def _path(given: Path | None, names: list[str]) -> Path | None:
    if given is not None:
        names = [str(given)]
    return next((Path(path) for name in names if (path := shutil.which(name))), None)


def _yace(settings: StackSettings, program: Path, folder: Path) -> Service:
    return Service(
        name="yace",
        title="exporter (YACE)",
        command=_yace_command(program, folder / "yace.yaml", settings.yace_port, _MINUTES_EVERY),
        environment=_yace_environment(settings, folder / "yace.yaml"),
        port=settings.yace_port,
        port_variable="HOUSING_YACE_PORT",
        health_path=health.HEALTH_PATHS["yace"],
        startup_seconds=30,
    )


def _yace_of_hours(settings: StackSettings, program: Path, folder: Path) -> Service:
    config, port = folder / "yace-hours.yaml", settings.yace_hours_port
    return Service(
        name="yace-hours",
        title="exporter of whole hours (YACE)",
        command=_yace_command(program, config, port, _HOURS_EVERY),
        environment=_yace_environment(settings, config),
        port=port,
        port_variable="HOUSING_YACE_HOURS_PORT",
        health_path=health.HEALTH_PATHS["yace-hours"],
        startup_seconds=30,
    )


def _yace_command(program: Path, config: Path, port: int, seconds: int) -> tuple[str, ...]:
    return (
        str(program),
        f"--config.file={config}",
        f"--listen-address={LOOPBACK}:{port}",
        f"--scraping-interval={seconds}",
    )


def _yace_environment(settings: StackSettings, config: Path) -> dict[str, str]:
    return _configured(settings, config) | aws_environment(settings) | {"AWS_REGION": REGION}


def _prometheus(settings: StackSettings, program: Path, folder: Path) -> Service:
    return Service(
        name="prometheus",
        title="Prometheus",
        command=(
            str(program),
            f"--config.file={folder / 'prometheus' / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'prometheus-data'}",
            f"--storage.tsdb.retention.time={_KEPT}",
            f"--web.listen-address={LOOPBACK}:{settings.prometheus_port}",
        ),
        environment=_configured(settings, *(folder / "prometheus").rglob("*.yaml")),
        port=settings.prometheus_port,
        port_variable="HOUSING_PROMETHEUS_PORT",
        health_path=health.HEALTH_PATHS["prometheus"],
        startup_seconds=60,
    )


def _configured(settings: StackSettings, *files: Path) -> dict[str, str]:
    """Return an environment that changes with the files, which restarts the program."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest()
    return clean_environment(settings) | {"CONFIGURATION_DIGEST": digest}


def _alertmanager(settings: StackSettings, program: Path, folder: Path) -> Service:
    config = folder / "alertmanager.yaml"
    return Service(
        name="alertmanager",
        title="Alertmanager",
        command=(
            str(program),
            f"--config.file={config}",
            f"--storage.path={folder / 'alertmanager-data'}",
            f"--data.retention={ALERTS_KEPT}",
            f"--web.listen-address={LOOPBACK}:{settings.alertmanager_port}",
            "--cluster.listen-address=",  # no cluster, and no port on all interfaces
        ),
        environment=_configured(settings, config),
        port=settings.alertmanager_port,
        port_variable="HOUSING_ALERTMANAGER_PORT",
        health_path=health.HEALTH_PATHS["alertmanager"],
        startup_seconds=30,
    )
