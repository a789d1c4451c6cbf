"""What a trial works with: a bucket, a topic and a registered model of its own.

Everything is had twice: straight from the endpoints, to prepare and to look, and through the proxy.
"""

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import boto3
from botocore.config import Config

from fakes.faulty_proxy import SNS, FaultyProxy
from faults.registering import Registrar
from housing.registry.ledger import AliasChange, Change, Decision, Ledger
from housing.registry.mlflow import MlflowModelRegistry
from housing.s3.layout import LEDGER

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient

READ_SECONDS = 0.75
"""How long a client waits for an answer; the product's own clients wait for 2 to 60 s."""
REGISTRY_SECONDS = 1.5
_IMPATIENT = Config(connect_timeout=READ_SECONDS, read_timeout=READ_SECONDS)
_PATIENT = Config()


class Clients:
    """AWS clients of one endpoint, each made once: making one takes longer than using it."""

    def __init__(self, url: str, *, changes: Config) -> None:
        """Remember the endpoint, and what is changed of a configuration."""
        self._url = url
        self._changes = changes
        self._made: dict[tuple[str, int], Any] = {}

    def __call__(self, service: str, config: Config) -> Any:
        """Return the client of a configuration, which lives as long as the product's modules."""
        key = (service, id(config))
        if key not in self._made:
            make: Any = boto3.client
            self._made[key] = make(
                service,
                region_name="us-east-1",
                endpoint_url=self._url,
                config=config.merge(self._changes),
                aws_access_key_id="test",
                aws_secret_access_key="test",
            )
        return self._made[key]


class Endpoints:
    """The endpoints, and the proxy before them.

    Attributes:
        proxy: The proxy.
        proxy_url: Where it listens.
        registry_url: The registry itself.
        register: Registers versions there.
        direct: Clients that no fault meets.
        proxied: Clients that wait no longer than a test may.
    """

    def __init__(self, proxy: FaultyProxy, proxy_url: str, register: Registrar) -> None:
        self.proxy = proxy
        self.proxy_url = proxy_url
        self.registry_url = proxy.registry
        self.register = register
        self.direct = Clients(proxy.aws, changes=_PATIENT)
        self.proxied = Clients(proxy_url, changes=_IMPATIENT)
        self._numbers = itertools.count(1)

    def new(self) -> "Surroundings":
        """Make a bucket and a topic."""
        name = f"trial-{next(self._numbers)}"
        s3, sns = self.direct("s3", _PATIENT), self.direct("sns", _PATIENT)
        s3.create_bucket(Bucket=name)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return Surroundings(self, name, sns.create_topic(Name=name)["TopicArn"])


@dataclass(frozen=True)
class Surroundings:
    """A trial's bucket, topic and model."""

    endpoints: Endpoints
    name: str
    topic_arn: str

    @property
    def bucket(self) -> str:
        return self.name

    @property
    def s3(self) -> "S3Client":
        """A client that no fault meets."""
        client: S3Client = self.endpoints.direct("s3", _PATIENT)
        return client

    def faulty_s3(self, config: Config) -> "S3Client":
        """Return a client as the product configures it, but that waits no longer than a test."""
        client: S3Client = self.endpoints.proxied("s3", config)
        return client

    def faulty_sns(self, config: Config) -> "SNSClient":
        """Return the same of SNS."""
        client: SNSClient = self.endpoints.proxied("sns", config)
        return client

    @property
    def registry(self) -> MlflowModelRegistry:
        """The registry, which no fault meets."""
        return MlflowModelRegistry(self.endpoints.registry_url, self.name)

    def faulty_registry(self, *, tries: int) -> MlflowModelRegistry:
        """Return a client of the registry that waits no longer than a test."""
        return MlflowModelRegistry(
            self.endpoints.proxy_url, self.name, timeout_seconds=REGISTRY_SECONDS, tries=tries
        )

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [entry["Key"] for entry in listed.get("Contents", [])]

    def is_free(self, lease: str) -> bool:
        """Whether nobody holds a lease now."""
        expires_at = datetime.fromisoformat(json.loads(self.read(lease))["expires_at"])
        return expires_at <= datetime.now(UTC)

    def ledger(self) -> list[AliasChange]:
        """Return the changes of aliases, oldest first."""
        return [entry for entry in self._entries() if isinstance(entry, AliasChange)]

    def decisions(self) -> list[str]:
        """Return the kinds of the ledger's decisions, oldest first."""
        return [entry.kind for entry in self._entries() if isinstance(entry, Decision)]

    def _entries(self) -> list[Change]:
        return Ledger(self.s3, self.bucket).newest(1_000)[::-1]

    def undone(self) -> list[str]:
        """Return the ledger's entries that no mark lies beside."""
        names = [key.removeprefix(LEDGER) for key in self.keys(LEDGER)]
        done = {name.partition("-")[0] for name in names if name.endswith(".done")}
        return [name for name in names if name.endswith(".json") and name[:8] not in done]

    def published(self) -> list[str]:
        """Return the events of the alerts that the topic took, in their order."""
        return [_event(call.body) for call in self.endpoints.proxy.taken_by(SNS)]


def _event(body: bytes) -> str:
    """Return the message attribute ``event`` of a request to publish."""
    form = parse_qs(body.decode())
    [name] = [name for name, texts in form.items() if name.endswith(".Name") and "event" in texts]
    return form[f"{name.removesuffix('Name')}Value.StringValue"][0]
