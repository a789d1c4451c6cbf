"""Where the registry is and how to be let in, in MLflow's own variables."""

import base64
from typing import Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from housing.registry.access import RegistryAccess, managed_by_sagemaker, signature_v4


class RegistrySettings(BaseSettings):
    """The part of a program's settings that the registry's client needs."""

    tracking_uri: str = Field(
        validation_alias="MLFLOW_TRACKING_URI",
        pattern=r"^(https?://|arn:aws)",
        description="the MLflow server: a URL, or the ARN of one that SageMaker manages",
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

    tracking_aws_sigv4: bool = Field(
        default=False,
        validation_alias="MLFLOW_TRACKING_AWS_SIGV4",
        description="sign requests, for a server behind API Gateway with IAM authorization",
    )
    sagemaker_endpoint: str | None = Field(
        None,
        validation_alias="SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT",
        description="address of a SageMaker MLflow, where it is not the public one",
    )
    aws_region: str | None = Field(
        None,
        validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="region that signatures are for",
    )

    @model_validator(mode="after")
    def _can_be_reached(self) -> Self:
        if self.tracking_uri.startswith("arn:"):
            managed_by_sagemaker(self.tracking_uri)
        if self.tracking_aws_sigv4 and not self.aws_region:
            msg = "MLFLOW_TRACKING_AWS_SIGV4 needs AWS_REGION: a signature is for one region"
            raise ValueError(msg)
        return self

    def registry_access(self) -> RegistryAccess:
        """Return where the registry is and how to be let in."""
        if self.tracking_uri.startswith("arn:"):
            return managed_by_sagemaker(self.tracking_uri, url=self.sagemaker_endpoint)
        sign = None
        if self.tracking_aws_sigv4 and self.aws_region:
            sign = signature_v4("execute-api", self.aws_region)
        return RegistryAccess(self.tracking_uri, self._authorization(), sign)

    def _authorization(self) -> dict[str, str]:
        """Return the headers that authorize calls; user and password win, as in MLflow."""
        if self.tracking_username and self.tracking_password:
            pair = f"{self.tracking_username}:{self.tracking_password.get_secret_value()}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if self.tracking_token:
            return {"Authorization": f"Bearer {self.tracking_token.get_secret_value()}"}
        return {}
