"""Settings of the retrain function, read from the environment at cold start."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_NEEDED = {
    "batch": ("batch_job_queue", "batch_job_definition"),
    "local": ("local_python", "local_jobs_dir"),
}


class RetrainSettings(BaseSettings):
    """Every setting is an environment variable of the same name under ``HOUSING_``."""

    model_config = SettingsConfigDict(env_prefix="HOUSING_", frozen=True, env_ignore_empty=True)

    bucket: str = Field(description="the bucket that holds uploads and the jobs' status")
    model_name: str = Field("california-housing", description="registered model, for alerts")
    alert_topic_arn: str | None = Field(None, description="where alerts go; the log if not set")
    job_launcher: Literal["batch", "local"] = Field("batch", description="who runs the job")
    batch_job_queue: str | None = Field(None, description="queue (launcher batch)")
    batch_job_definition: str | None = Field(None, description="definition (launcher batch)")
    local_python: Path | None = Field(
        None, description="interpreter of the training job (launcher local)"
    )
    local_jobs_dir: Path | None = Field(
        None, description="folder of process ids and logs (launcher local)"
    )

    @model_validator(mode="after")
    def _has_what_the_launcher_needs(self) -> Self:
        missing = [
            f"HOUSING_{name.upper()}"
            for name in _NEEDED[self.job_launcher]
            if getattr(self, name) is None
        ]
        if missing:
            msg = f"the launcher {self.job_launcher} needs {' and '.join(missing)}"
            raise ValueError(msg)
        return self
