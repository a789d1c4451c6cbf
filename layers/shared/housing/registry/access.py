"""How a registry lets its clients in: with fixed headers, or with a signature on every request.

Addresses, headers and service names of SageMaker's managed MLflow are those that AWS's own plug-in
``sagemaker-mlflow`` (0.5) uses; it needs mlflow, this does not.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from housing.errors import RegistryUnavailableError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

Sign = Callable[[str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Method, URL, headers and body of a request in; the headers that it is to be sent with out."""

ARN = re.compile(
    r"arn:(?P<partition>aws|aws-us-gov):sagemaker:(?P<region>[a-z0-9-]+):[0-9]{12}:"
    r"(?P<kind>mlflow-tracking-server|mlflow-app)/[A-Za-z0-9-]+"
)


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """Where a registry is, and what a request to it carries."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    sign: Sign | None = None


@dataclass(frozen=True, slots=True)
class _Managed:
    """What differs between SageMaker's two kinds of MLflow."""

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
    """Return the access to an MLflow that SageMaker manages; its requests are signed.

    Args:
        arn: Of the tracking server, or of the MLflow app.
        url: Its address, where it is not the public one.

    Raises:
        ValueError: It is no such ARN.
    """
    found = ARN.fullmatch(arn)
    if found is None:
        msg = f"{arn} is no ARN of a SageMaker MLflow tracking server or app"
        raise ValueError(msg)
    managed, region = _MANAGED[found["kind"]], found["region"]
    return RegistryAccess(
        url or managed.url.format(region=region),
        {managed.header: arn},
        signature_v4(managed.service, region),
    )


def signature_v4(service: str, region: str) -> Sign:
    """Sign with the process's AWS credentials; without, ``RegistryUnavailableError`` is raised.

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
    """Return the process's credentials, which renew themselves."""
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415 - slow to import
    from botocore.session import Session  # noqa: PLC0415

    found = Session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found
