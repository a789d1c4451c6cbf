"""Settings of the local stack: ports, folders and interpreters."""

import sys
from pathlib import Path
from typing import Self

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing.schema import SUBJECT
from housing_ops.checkout import CHECKOUT
from retrain.training.model.engines import EngineName
from subjects import DEFAULT

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY = "test"  # the one that MiniStack checks presigned URLs against
SECRET_KEY = "test"  # noqa: S105 - the local endpoint takes any


class StackSettings(BaseSettings):
    """Settings; the variable of each is its name in capitals after ``HOUSING_``."""

    model_config = SettingsConfigDict(env_prefix="HOUSING_", env_ignore_empty=True, extra="ignore")

    aws_port: int = Field(4566, description="port of the local AWS endpoint")
    aws_endpoint: str | None = Field(
        None, description="URL of another AWS endpoint, instead of the stack's own"
    )
    mlflow_port: int = Field(5000, description="port of the MLflow server")
    api_port: int = Field(5001, description="port of the API's proxy")
    yace_port: int = Field(5002, description="port of YACE, the exporter")
    yace_hours_port: int = Field(5003, description="port of the YACE that reads whole hours")
    prometheus_port: int = Field(9090, description="port of Prometheus")
    alertmanager_port: int = Field(9093, description="port of Alertmanager")
    state_dir: Path = Field(CHECKOUT / ".local", description="folder of the stack's data")
    venvs_dir: Path = Field(CHECKOUT / ".venvs", description="folder of the virtual environments")
    stack_name: str = Field("housing-local", description="name of the CloudFormation stack")
    subject: str = Field(DEFAULT, description="subject of the stack: its table and model")
    model_name: str = Field(SUBJECT.name, description="name of the registered model")
    model_ttl_seconds: int = Field(
        2, description="seconds between the function's checks of the alias"
    )
    engine: EngineName = Field("scikit-learn", description="library that grows the trees")
    training_settings: str = Field("{}", description="JSON of the training job's settings")
    training_timeout_seconds: int = Field(
        3_600, ge=60, description="limit of a training job in seconds"
    )
    shadow_share: float = Field(
        0, ge=0, le=1, description="share of requests that the challenger predicts, too"
    )
    shadow_budget_ms: int = Field(
        20, ge=1, le=1000, description="limit of the wait for the challenger in milliseconds"
    )
    data: Path | None = Field(None, description="CSV for the first model")
    sample_rows: int = Field(20_640, description="rows of the generated sample")
    yace: Path | None = Field(None, description="path of YACE, if not built by make monitoring")
    prometheus: Path | None = Field(None, description="path of Prometheus, if not in PATH")
    alertmanager: Path | None = Field(None, description="path of Alertmanager, if not in PATH")
    open_page: bool = Field(
        True,  # noqa: FBT003 - pydantic's default
        description="whether make run opens the page in a browser, where there is a desktop",
    )
    slack_webhook_url: str | None = Field(None, description="URL of a Slack webhook for alerts")

    @classmethod
    def of_stack(cls) -> Self:
        """Read the environment, then the ports at which the stack was last started."""
        return cls(_env_file=cls().ports_file)

    @property
    def ports_file(self) -> Path:
        """File of the ports of the last start."""
        return self.state_dir / "ports"

    @property
    def monitoring_ports(self) -> dict[str, int]:
        """The ports of the monitoring's programs, by their names."""
        return {
            "yace": self.yace_port,
            "yace-hours": self.yace_hours_port,
            "prometheus": self.prometheus_port,
            "alertmanager": self.alertmanager_port,
        }

    @property
    def places(self) -> dict[str, int | str]:
        """The ports, and the URL of a foreign endpoint, by their variables."""
        elsewhere = {"HOUSING_AWS_ENDPOINT": self.aws_endpoint} if self.aws_endpoint else {}
        return {
            "HOUSING_AWS_PORT": self.aws_port,
            "HOUSING_MLFLOW_PORT": self.mlflow_port,
            "HOUSING_API_PORT": self.api_port,
            "HOUSING_YACE_PORT": self.yace_port,
            "HOUSING_YACE_HOURS_PORT": self.yace_hours_port,
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
        """URL of the API's proxy."""
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
        """Interpreter of the MLflow server, the proxy and the training job: this one."""
        return Path(sys.executable)
