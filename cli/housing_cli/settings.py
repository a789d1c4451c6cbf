"""Settings of the command line, from the environment and the checkout's ``.local/env``."""

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from housing.schema import SUBJECT
from housing_cli.errors import MissingSettingError

DOTENV = ".local/env"


class Settings(BaseSettings):
    """Addresses and keys; a field's name in capitals is the name of its variable.

    The AWS settings are optional: without them boto3 uses its own defaults.
    """

    model_config = SettingsConfigDict(env_file=DOTENV, env_ignore_empty=True, extra="ignore")

    aws_endpoint_url: str | None = Field(None, description="URL of an endpoint instead of AWS")
    aws_access_key_id: str | None = Field(None, description="AWS credentials")
    aws_secret_access_key: SecretStr | None = Field(None, description="AWS credentials")
    aws_session_token: SecretStr | None = Field(None, description="AWS credentials")
    aws_default_region: str | None = Field(None, description="AWS region")
    mlflow_tracking_uri: str | None = Field(None, description="URL of the MLflow server")
    housing_api_url: str | None = Field(None, description="URL of the API")
    housing_api_key: SecretStr | None = Field(None, description="key for requests to the API")
    housing_admin_key: SecretStr | None = Field(
        None, description="key for admin requests to the API"
    )
    housing_bucket: str | None = Field(None, description="the project's bucket")
    housing_model_name: str = Field(SUBJECT.name, description="registered model")
    housing_api_keys: str | None = Field(
        None, description="secret with the hashes of the API's keys"
    )
    housing_usage_plan_id: str | None = Field(None, description="API Gateway's usage plan")
    housing_predict_log_group: str | None = Field(
        None, description="log group of the predict function: `/aws/lambda/<stack>-predict`"
    )

    @property
    def bucket(self) -> str:
        """Name of the project's bucket."""
        return _needed("HOUSING_BUCKET", self.housing_bucket)

    @property
    def tracking_uri(self) -> str:
        """URL of the MLflow server."""
        return _needed("MLFLOW_TRACKING_URI", self.mlflow_tracking_uri)

    @property
    def api_url(self) -> str:
        """URL of the API, without a trailing slash."""
        return _needed("HOUSING_API_URL", self.housing_api_url).rstrip("/")

    @property
    def api_key(self) -> str:
        """Key for requests to the API."""
        return _needed("HOUSING_API_KEY", revealed(self.housing_api_key))

    @property
    def api_keys(self) -> str:
        """Secret with the hashes of the API's keys."""
        return _needed("HOUSING_API_KEYS", self.housing_api_keys)

    @property
    def usage_plan_id(self) -> str:
        """Usage plan of the API's keys."""
        return _needed("HOUSING_USAGE_PLAN_ID", self.housing_usage_plan_id)

    @property
    def admin_key(self) -> str:
        """Key for admin requests to the API."""
        return _needed("HOUSING_ADMIN_KEY", revealed(self.housing_admin_key))

    @property
    def predict_log_group(self) -> str:
        """Log group of the predict function."""
        return _needed("HOUSING_PREDICT_LOG_GROUP", self.housing_predict_log_group)


def revealed(secret: SecretStr | None) -> str | None:
    """Return the text of a secret; None if it is not set."""
    return secret.get_secret_value() if secret else None


def _needed(name: str, value: str | None) -> str:
    if value is None:
        msg = (
            f"{name} is not set: export it, or run this in the checkout after `make run`, "
            f"which writes {DOTENV}"
        )
        raise MissingSettingError(msg)
    return value
