"""Settings of the retrain function, read from the environment at cold start."""

from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing.jobs.restarts import RestartRules
from housing.schema import SUBJECT

RULES: Final = RestartRules()
_NEEDED = {
    "batch": ("batch_job_queue", "batch_job_definition"),
    "local": ("local_python", "local_jobs_dir"),
}


class RetrainSettings(BaseSettings):
    """Every setting is an environment variable of the same name under ``HOUSING_``."""

    model_config = SettingsConfigDict(env_prefix="HOUSING_", frozen=True, env_ignore_empty=True)

    bucket: str = Field(description="the bucket that holds uploads and the jobs' status")
    model_name: str = Field(SUBJECT.name, description="registered model, for alerts")
    alert_topic_arn: str | None = Field(
        None, description="topic for alerts; without it they are logged"
    )
    job_launcher: Literal["batch", "local"] = Field("batch", description="launcher of the jobs")
    batch_job_queue: str | None = Field(None, description="queue (launcher batch)")
    batch_job_definition: str | None = Field(None, description="definition (launcher batch)")
    local_python: Path | None = Field(
        None, description="interpreter of the training job (launcher local)"
    )
    local_jobs_dir: Path | None = Field(
        None, description="folder of queue, process ids and logs (launcher local)"
    )
    training_timeout_seconds: float = Field(
        3_600, gt=0, description="time limit of a job (launcher local)"
    )
    dead_after_seconds: float = Field(
        RULES.dead_after.total_seconds(), gt=0, description="silence after which a job is dead"
    )
    lost_after_seconds: float = Field(
        RULES.lost_after.total_seconds(),
        gt=0,
        description="silence after which a queued job is lost",
    )
    upload_grace_seconds: float = Field(
        RULES.upload_grace.total_seconds(),
        ge=0,
        description="age from which the sweep starts an upload without a job",
    )
    upload_window_days: float = Field(
        RULES.upload_window / timedelta(days=1),
        gt=0,
        description="age from which the sweep ignores uploads without a job, and silent jobs",
    )

    def restart_rules(self) -> RestartRules:
        """Return the sweep's rules for restarting jobs."""
        return RestartRules(
            dead_after=timedelta(seconds=self.dead_after_seconds),
            lost_after=timedelta(seconds=self.lost_after_seconds),
            upload_grace=timedelta(seconds=self.upload_grace_seconds),
            upload_window=timedelta(days=self.upload_window_days),
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
