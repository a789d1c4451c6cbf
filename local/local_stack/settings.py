"""Settings of the local stack: ports, folders and interpreters."""

import sys
from pathlib import Path
from typing import Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing_ops.checkout import CHECKOUT
from retrain.training.model.engines import EngineName

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY = "test"  # the one that MiniStack checks presigned URLs against
SECRET_KEY = "test"  # noqa: S105 - the local endpoint takes any


class StackSettings(BaseSettings):
    """Every setting is an environment variable of the same name under ``HOUSING_``."""

    model_config = SettingsConfigDict(env_prefix="HOUSING_", env_ignore_empty=True, extra="ignore")

    aws_port: int = Field(4566, description="port of the local AWS endpoint")
    aws_endpoint: str | None = Field(
        None, description="URL of an AWS endpoint that others run, in place of one of its own"
    )
    mlflow_port: int = Field(5000, description="port of the MLflow server")
    api_port: int = Field(5001, description="port of the API's front door")
    yace_port: int = Field(5002, description="port of YACE, the exporter")
    prometheus_port: int = Field(9090, description="port of Prometheus")
    alertmanager_port: int = Field(9093, description="port of Alertmanager")
    state_dir: Path = Field(CHECKOUT / ".local", description="where the stack keeps all it has")
    venvs_dir: Path = Field(CHECKOUT / ".venvs", description="where the environments are")
    stack_name: str = Field("housing-local", description="name of the CloudFormation stack")
    model_name: str = Field("california-housing", description="name of the registered model")
    model_ttl_seconds: int = Field(2, description="how often the function asks for the alias")
    engine: EngineName = Field("scikit-learn", description="library that grows the trees")
    training_settings: str = Field("{}", description="JSON of the training job's settings")
    training_timeout_seconds: int = Field(
        3_600, ge=60, description="longest that a training job may take"
    )
    shadow_share: float = Field(0, ge=0, le=1, description="share that the challenger prices too")
    shadow_budget_ms: int = Field(20, ge=1, le=1000, description="the longest wait for that")
    data: Path | None = Field(None, description="CSV for the first model")
    sample_rows: int = Field(20_640, description="rows of the generated sample")
    yace: Path | None = Field(None, description="program YACE, if not built by make monitoring")
    prometheus: Path | None = Field(None, description="program Prometheus, if not on the path")
    alertmanager: Path | None = Field(None, description="program Alertmanager, the same")
    slack_webhook_url: str | None = Field(None, description="where alerts are posted, if anywhere")

    @classmethod
    def of_stack(cls) -> Self:
        """Read the environment, then the ports at which the stack was last brought up."""
        return cls(_env_file=cls().ports_file)

    @property
    def ports_file(self) -> Path:
        """Where the ports are remembered."""
        return self.state_dir / "ports"

    @property
    def places(self) -> dict[str, int | str]:
        """The ports, and the endpoint where it is another's, by the variables that move them."""
        elsewhere = {"HOUSING_AWS_ENDPOINT": self.aws_endpoint} if self.aws_endpoint else {}
        return {
            "HOUSING_AWS_PORT": self.aws_port,
            "HOUSING_MLFLOW_PORT": self.mlflow_port,
            "HOUSING_API_PORT": self.api_port,
            "HOUSING_YACE_PORT": self.yace_port,
            "HOUSING_PROMETHEUS_PORT": self.prometheus_port,
            "HOUSING_ALERTMANAGER_PORT": self.alertmanager_port,
            **elsewhere,
        }

    @property
    def aws_url(self) -> str:
        """URL of the local AWS endpoint."""
        return self.aws_endpoint or f"http://{LOOPBACK}:{self.aws_port}"

    @property
    def mlflow_url(self) -> str:
        """URL of the MLflow server."""
        return f"http://{LOOPBACK}:{self.mlflow_port}"

    @property
    def api_url(self) -> str:
        """URL of the API's front door."""
        return f"http://{LOOPBACK}:{self.api_port}"

    @property
    def logs_dir(self) -> Path:
        """Folder of the services' logs."""
        return self.state_dir / "logs"

    @property
    def run_dir(self) -> Path:
        """Folder of the services' process ids."""
        return self.state_dir / "run"

    @property
    def jobs_dir(self) -> Path:
        """Folder of the training jobs' queue, process ids and logs."""
        return self.state_dir / "jobs"

    @property
    def ministack_python(self) -> Path:
        """Interpreter of the local AWS endpoint."""
        return self.venvs_dir / "ministack" / "bin" / "python"

    @property
    def functions_python(self) -> Path:
        """Interpreter of the Lambda functions."""
        return self.venvs_dir / "functions" / "bin" / "python"

    @property
    def stack_python(self) -> Path:
        """Interpreter of the MLflow server, the front door and the training job: this one."""
        return Path(sys.executable)
