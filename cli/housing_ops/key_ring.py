"""Create, list and revoke the API's keys, in API Gateway and in the secret.

API Gateway has a key's value, for its usage plan; the secret has its hash and its scopes, for the
function. A key is created in the gateway first and revoked in the secret first: an interruption
leaves a key without access. The secret is read and written as a whole: of two changes in the same
second one may be lost; `housing keys list` shows the valid keys.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from housing.api_keys import ApiKeyDocument, Scope, new_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_apigateway import APIGatewayClient


class UnknownKeyError(LookupError):
    """Raised when no key of the API has the id."""


class SecretsClient(Protocol):
    """Port: the used part of a Secrets Manager client."""

    def get_secret_value(self, *, SecretId: str) -> "Mapping[str, str]":  # noqa: N803 - boto3's
        """Read a secret."""
        ...

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> object:  # noqa: N803
        """Write a secret."""
        ...


@dataclass(frozen=True, slots=True)
class NewKey:
    """A new key; its value is not stored."""

    id: str
    key: str
    scope: Scope


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of one deployment."""

    secrets: SecretsClient
    gateway: "APIGatewayClient"
    secret_id: str
    usage_plan_id: str

    def document(self) -> ApiKeyDocument:
        """Return the valid keys."""
        text = self.secrets.get_secret_value(SecretId=self.secret_id)["SecretString"]
        return ApiKeyDocument.model_validate_json(text)

    def create(self, scope: Scope) -> NewKey:
        """Create a key of a scope; the others stay valid."""
        key, entry = new_key(scope)
        created = self.gateway.create_api_key(
            name=entry.id, description=f"scope {scope}", enabled=True, value=key
        )
        self.gateway.create_usage_plan_key(
            usagePlanId=self.usage_plan_id, keyId=created["id"], keyType="API_KEY"
        )
        self._write(self.document().with_key(entry))
        return NewKey(entry.id, key, scope)

    def revoke(self, key_id: str) -> None:
        """Revoke a key; the function rejects it within its TTL of a minute.

        Raises:
            UnknownKeyError: No key has this id.
        """
        document = self.document()
        stored = next((entry for entry in document.keys if entry.id == key_id), None)
        named_alike = self.gateway.get_api_keys(nameQuery=key_id)["items"]
        in_gateway = [key["id"] for key in named_alike if key["name"] == key_id]
        if stored is None and not in_gateway:
            msg = f"no key has the id {key_id}; `housing keys list` lists the keys"
            raise UnknownKeyError(msg)
        if stored:
            self._write(document.without(key_id))
        for key in in_gateway:  # also those of an interrupted call
            self.gateway.delete_api_key(apiKey=key)

    def _write(self, document: ApiKeyDocument) -> None:
        self.secrets.put_secret_value(
            SecretId=self.secret_id, SecretString=document.model_dump_json()
        )
