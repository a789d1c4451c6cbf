"""Access to a model registry: settings, fixed headers, or a signature on every request.

Addresses, headers and service names of SageMaker's managed MLflow are those of AWS's own plug-in
``sagemaker-mlflow`` (0.5), which needs mlflow.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from housing.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

WORKSPACE_HEADER = "X-MLFLOW-WORKSPACE"
"""Header for servers with workspaces; MLflow's own client sends it, too."""
Sign = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Takes method, URL, headers and body of a request; returns the headers to send."""

ARN = re.compile(
    r"arn:(?P<partition>aws|aws-us-gov):sagemaker:(?P<region>[a-z0-9-]+):[0-9]{12}:"
    r"(?P<kind>mlflow-tracking-server|mlflow-app)/[A-Za-z0-9-]+"
)


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """Address of a registry, and headers or signature of its requests."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class _Managed:
    """Differences between SageMaker's two kinds of MLflow."""

    url: str
    header: str
    service: str


_MANAGED = {
    "mlflow-tracking-server": _Managed(
        "https://{region}.experiments.sagemaker.aws",
        "x-mlflow-sm-tracking-server-arn",
        "sagemaker-mlflow",
    ),
    "mlflow-app": _Managed(
        "https://mlflow.sagemaker.{region}.app.aws", "x-sm-mlflow-app-arn", "sagemaker"
    ),
}


def managed_by_sagemaker(arn: str, *, url: str | None = None) -> RegistryAccess:
    """Return the access to SageMaker's managed MLflow, with signed requests.

    Args:
        arn: Of the tracking server, or of the MLflow app.
        url: Its address, if not the public one.

    Raises:
        ValueError: It is not such an ARN.
    """
    match = ARN.fullmatch(arn)
    if match is None:
        msg = f"{arn} is not an ARN of a SageMaker MLflow tracking server or app"
        raise ValueError(msg)
    managed, region = _MANAGED[match["kind"]], match["region"]
    return RegistryAccess(
        url or managed.url.format(region=region),
        {managed.header: arn},
        signature_v4(managed.service, region),
    )


def signature_v4(service: str, region: str) -> Sign:
    """Return a signer with the process's AWS credentials, or ``RegistryUnavailableError``.

    Protocol: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
    """

    def sign(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Mapping[str, str]:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - slow to import
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415

        digest = {"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}
        request: Any = AWSRequest(method=method, url=url, data=body, headers={**headers, **digest})
        try:
            SigV4Auth(_credentials(), service, region).add_auth(request)
        except BotoCoreError as exc:  # they are renewed over the network
            msg = f"no AWS credentials to sign requests to the registry with: {exc}"
            raise RegistryUnavailableError(msg) from exc
        return dict(request.headers.items())

    return sign


@cache
def _credentials() -> "Credentials":
    """Return the process's credentials, which refresh themselves."""
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - slow to import
    from botocore.session import Session  # noqa: PLC0415

    credentials = Session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials


class RegistrySettings(BaseSettings):
    """Settings of the registry's client, in MLflow's own variables."""

    tracking_uri: str = Field(
        validation_alias="MLFLOW_TRACKING_URI",
        pattern=r"^(https?://|arn:aws)",
        description="the MLflow server: a URL, or the ARN of one that SageMaker manages",
    )
    tracking_token: SecretStr | None = Field(
        None, validation_alias="MLFLOW_TRACKING_TOKEN", description="bearer token for it"
    )
    tracking_username: str | None = Field(
        None,
        validation_alias="MLFLOW_TRACKING_USERNAME",
        description="user name, with the password",
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
        description="address of a SageMaker MLflow, if not the public one",
    )
    workspace: str | None = Field(
        None,
        validation_alias="MLFLOW_WORKSPACE",
        description="workspace of the server; its default workspace if not set",
    )
    aws_region: str | None = Field(
        None,
        validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION"),
        description="region for the signatures",
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
        """Return the access that the settings describe."""
        access = self._access()
        if not self.workspace:
            return access
        return replace(access, headers={**access.headers, WORKSPACE_HEADER: self.workspace})

    def _access(self) -> RegistryAccess:
        if self.tracking_uri.startswith("arn:"):
            return managed_by_sagemaker(self.tracking_uri, url=self.sagemaker_endpoint)
        sign = None
        if self.tracking_aws_sigv4 and self.aws_region:
            sign = signature_v4("execute-api", self.aws_region)
        return RegistryAccess(self.tracking_uri, self._authorization(), sign)

    def _authorization(self) -> dict[str, str]:
        """Return the authorization headers; user and password take precedence, as in MLflow."""
        if self.tracking_username and self.tracking_password:
            pair = f"{self.tracking_username}:{self.tracking_password.get_secret_value()}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if self.tracking_token:
            return {"Authorization": f"Bearer {self.tracking_token.get_secret_value()}"}
        return {}
