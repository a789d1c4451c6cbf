"""Settings of the predict function, read from the environment at cold start."""

import tempfile
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from housing.registry import PRODUCTION
from housing.registry_settings import RegistrySettings


class PredictSettings(RegistrySettings):
    """What the function can be told; MLflow's own variables keep MLflow's names."""

    model_config = SettingsConfigDict(
        env_prefix="HOUSING_", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    stage: str = Field("dev", description="deployment stage, shown by /health")
    model_name: str = Field("california-housing", description="registered model that is served")
    model_alias: str = Field(PRODUCTION, description="alias that is followed")
    model_ttl_seconds: float = Field(
        30, ge=0, description="how long a look-up of the alias holds; 0 asks at every request"
    )
    registry_timeout_seconds: float = Field(
        2, gt=0, description="longest a request waits for a whole look-up of the alias"
    )
    bucket: str | None = Field(
        None, description="holds the last promoted model, served while the registry is down"
    )
    logged_predictions_per_second: float = Field(
        50, ge=0, description="predictions logged with their features; of more, a sample is"
    )
    max_batch_rows: int = Field(10_000, ge=1, description="rows that one request may hold")
    model_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "housing-model",  # /tmp in Lambda
        description="where the model file is kept; the temporary folder if not set",
    )
