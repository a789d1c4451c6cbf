"""Settings of the predict function, read from the environment at cold start."""

import base64
import tempfile
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing.registry import PRODUCTION


class PredictSettings(BaseSettings):
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
        2, gt=0, description="bound on one call to the registry"
    )
    model_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "housing-model",  # /tmp in Lambda
        description="where the model file is kept; the temporary folder if not set",
    )
    tracking_uri: str = Field(
        validation_alias="MLFLOW_TRACKING_URI",
        pattern=r"^https?://",
        description="the MLflow server",
    )
    tracking_token: SecretStr | None = Field(
        None, validation_alias="MLFLOW_TRACKING_TOKEN", description="bearer token for it"
    )
    tracking_username: str | None = Field(
        None, validation_alias="MLFLOW_TRACKING_USERNAME", description="user, with the password"
    )
    tracking_password: SecretStr | None = Field(
        None, validation_alias="MLFLOW_TRACKING_PASSWORD", description="password of the user"
    )

    def registry_headers(self) -> dict[str, str]:
        """Return the headers that authorize calls; user and password win, as in MLflow."""
        if self.tracking_username and self.tracking_password:
            pair = f"{self.tracking_username}:{self.tracking_password.get_secret_value()}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if self.tracking_token:
            return {"Authorization": f"Bearer {self.tracking_token.get_secret_value()}"}
        return {}
