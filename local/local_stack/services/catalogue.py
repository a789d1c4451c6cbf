"""The services of the stack: command, environment and health check of each."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.settings import ACCESS_KEY, LOOPBACK, REGION, SECRET_KEY, StackSettings

ARTIFACT_BUCKET = "mlflow-artifacts"
SERVICE_NAMES = ("api", "bridge", "mlflow", "aws")
"""In the order of stopping: no service loses one that it depends on."""
MONITORING_NAMES = ("prometheus", "alertmanager", "yace-hours", "yace")
"""The services of make monitoring, in the same order."""


@dataclass(frozen=True, slots=True)
class Service:
    """A server of the stack, or a program without a port that has a heartbeat file."""

    name: str
    title: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    startup_seconds: float
    port: int = 0
    port_variable: str = ""
    health_path: str = ""
    heartbeat: Path | None = None
    """File that a program without a port touches every few seconds."""

    @property
    def health_url(self) -> str:
        """URL that answers 200 when the server is ready."""
        return f"http://{LOOPBACK}:{self.port}{self.health_path}"

    @property
    def where(self) -> str:
        """The address for people."""
        return f"http://{LOOPBACK}:{self.port}" if self.port else "no port"

    @property
    def digest(self) -> str:
        """Digest of command and environment; a change restarts the program."""
        text = json.dumps([self.command, sorted(self.environment.items())])
        return hashlib.sha256(text.encode()).hexdigest()


def aws_environment(settings: StackSettings) -> dict[str, str]:
    """Return the variables with which an AWS client uses the local endpoint."""
    return {
        "AWS_ENDPOINT_URL": settings.aws_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
    }


def clean_environment(settings: StackSettings) -> dict[str, str]:
    """Return a bare environment: the local endpoint passes its own to the functions."""
    scratch = settings.state_dir / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
    }


def aws_endpoint(settings: StackSettings) -> Service:
    """Return MiniStack: S3, Lambda, API Gateway, CloudFormation and the rest."""
    return Service(
        name="aws",
        title="local AWS endpoint (MiniStack)",
        command=(str(settings.ministack_python), "-m", "ministack"),
        environment=clean_environment(settings)
        | {
            "BIND_HOST": LOOPBACK,
            "GATEWAY_PORT": str(settings.aws_port),
            "AWS_ENDPOINT_URL": settings.aws_url,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(settings.state_dir / "aws" / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(settings.state_dir / "aws" / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        },
        port=settings.aws_port,
        port_variable="HOUSING_AWS_PORT",
        health_path="/_ministack/health",
        startup_seconds=60,
    )


def mlflow_server(settings: StackSettings) -> Service:
    """Return MLflow: tracking and registry on SQLite, artifacts in the local endpoint's S3."""
    database = settings.state_dir / "mlflow" / "mlflow.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    return Service(
        name="mlflow",
        title="MLflow server and registry",
        command=(
            *(str(settings.stack_python), "-m", "mlflow", "server"),
            *("--host", LOOPBACK, "--port", str(settings.mlflow_port), "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{database}"),
            *("--artifacts-destination", f"s3://{ARTIFACT_BUCKET}"),
        ),
        environment=clean_environment(settings)
        | aws_environment(settings)
        | {
            "PATH": f"{settings.stack_python.parent}:/usr/bin:/bin",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        },
        port=settings.mlflow_port,
        port_variable="HOUSING_MLFLOW_PORT",
        health_path="/health",
        startup_seconds=120,
    )


def api_proxy(settings: StackSettings, api_gateway_url: str) -> Service:
    """Return the proxy from the API's short URL to API Gateway on the local endpoint."""
    return Service(
        name="api",
        title="API proxy",
        command=(
            *(str(settings.stack_python), "-m", "local_stack.services.api_proxy"),
            *("--port", str(settings.api_port), "--target", api_gateway_url),
        ),
        environment=clean_environment(settings),
        port=settings.api_port,
        port_variable="HOUSING_API_PORT",
        health_path="/ping",
        startup_seconds=60,
    )


def metrics_bridge(settings: StackSettings) -> Service:
    """Return the bridge from log lines to metrics, which the local endpoint lacks."""
    folder = settings.state_dir / "bridge"
    heartbeat = folder / "heartbeat"
    return Service(
        name="bridge",
        title="bridge from logs to metrics",
        command=(
            *(str(settings.stack_python), "-m", "local_stack.bridge"),
            *("--log-group-prefix", f"/aws/lambda/{settings.stack_name}-"),
            *("--jobs-dir", str(settings.jobs_dir)),
            *("--checkpoint", str(folder / "place.json"), "--heartbeat", str(heartbeat)),
        ),
        environment=clean_environment(settings) | aws_environment(settings),
        startup_seconds=30,
        heartbeat=heartbeat,
    )
