"""LocalStack as a service: its PyPI release in host mode, or its container."""

import sys
import tomllib
from pathlib import Path

from housing_ops.checkout import CHECKOUT
from local_stack.services.catalogue import Service, clean_environment
from local_stack.settings import LOOPBACK, StackSettings

IMAGE = "localstack/localstack:2026.3.0"
_STARTUP_SECONDS = 180


def in_host_mode(settings: StackSettings) -> Service:
    """Return LocalStack as a process of this machine: no Docker, no token."""
    python = settings.venvs_dir / "localstack" / "bin" / "python"
    return _service(
        settings,
        command=(str(python), "-m", "localstack.runtime.main"),
        environment=clean_environment(settings) | _variables(settings),
    )


def in_container(settings: StackSettings, *, docker: str, token: str) -> Service:
    """Return LocalStack's image, which needs a token; its functions are processes, as in host mode.

    It shares the machine's network and process ids, and has at the same paths the checkout, the
    interpreters and the folders of the stacks, for the functions and the training jobs.
    """
    plugins = _plugins(settings.state_dir / "plugins")
    passed = {**_variables(settings), "PYTHONPATH": f"{plugins}:{CHECKOUT / 'local'}"}
    folders = {str(settings.state_dir), str(CHECKOUT), sys.base_prefix, "/tmp"}  # noqa: S108 - where the tests' stacks are  # nosec B108
    return _service(
        settings,
        command=(
            *(docker, "run", "--rm", "--name", f"housing-localstack-{settings.aws_port}"),
            *("--network", "host", "--pid", "host", "--env", "LOCALSTACK_AUTH_TOKEN"),
            *(part for name, value in passed.items() for part in ("--env", f"{name}={value}")),
            *(part for folder in sorted(folders) for part in ("--volume", f"{folder}:{folder}")),
            IMAGE,
        ),
        environment=clean_environment(settings) | {"LOCALSTACK_AUTH_TOKEN": token},
    )


def _service(
    settings: StackSettings, *, command: tuple[str, ...], environment: dict[str, str]
) -> Service:
    return Service(
        name="localstack",
        title="LocalStack",
        command=command,
        environment=environment,
        port=settings.aws_port,
        port_variable="HOUSING_AWS_PORT",
        health_path="/_localstack/health",
        startup_seconds=_STARTUP_SECONDS,
    )


def _variables(settings: StackSettings) -> dict[str, str]:
    return {
        "GATEWAY_LISTEN": f"{LOOPBACK}:{settings.aws_port}",
        "GATEWAY_SERVER": "loopback",
        "LAMBDA_RUNTIME_EXECUTOR": "process",
        "LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT": "60",  # seconds; a busy machine imports slowly
        "DNS_ADDRESS": "0",  # no name server
        "DISABLE_EVENTS": "1",  # no telemetry
        "SKIP_SSL_CERT_DOWNLOAD": "1",
    }


def _plugins(folder: Path) -> Path:
    """Write the package metadata of ``local/``, by which LocalStack loads the plug-ins."""
    project = tomllib.loads((CHECKOUT / "local/pyproject.toml").read_text())["project"]
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    return folder
