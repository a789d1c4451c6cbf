"""Where the registry is and how to be let in, in MLflow's own variables."""

import base64

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings


class RegistrySettings(BaseSettings):
    """The part of a program's settings that the registry's client needs."""

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
