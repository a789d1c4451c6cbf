"""Clients of AWS, or of the endpoint in AWS_ENDPOINT_URL, whose waits are bounded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client

_BOUNDED = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"total_max_attempts": 5, "mode": "standard"},
    s3={"addressing_style": "path"},
)


@dataclass(frozen=True, slots=True)
class Clients:
    """What a deployment talks to."""

    cloudformation: "CloudFormationClient"
    s3: "S3Client"
    gateway: "APIGatewayClient"
    secrets: Any
    account: str
    endpoint_url: str | None
    """Of an endpoint that stands in for AWS; None on AWS."""


def make_clients(region: str | None, endpoint_url: str | None) -> Clients:
    """Make the clients with the credentials that boto3 finds."""
    session = boto3.Session(region_name=region)

    def client(name: Any) -> Any:
        return session.client(name, endpoint_url=endpoint_url, config=_BOUNDED)

    return Clients(
        cloudformation=client("cloudformation"),
        s3=client("s3"),
        gateway=client("apigateway"),
        secrets=client("secretsmanager"),
        account=client("sts").get_caller_identity()["Account"],
        endpoint_url=endpoint_url,
    )
