"""Making, listing and ending the API's keys, at both of their doors.

API Gateway knows a key's value, for its usage plan; the secret knows its hash and its scopes, for
the function. A key is made at the gateway first and ended at the secret first: whatever happens in
between leaves a key that opens nothing. The secret is read and written as a whole, so that two
people who change keys in the same second may lose one change; `housing keys list` shows what holds.
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
    """The part of a Secrets Manager client that is used."""

    def get_secret_value(self, *, SecretId: str) -> "Mapping[str, str]":  # noqa: N803 - boto3's
        """Read a secret."""
        ...

    def put_secret_value(self, *, SecretId: str, SecretString: str) -> object:  # noqa: N803
        """Write a secret."""
        ...


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; it is never seen again."""

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
        """Return the keys that are valid now."""
        text = self.secrets.get_secret_value(SecretId=self.secret_id)["SecretString"]
        return ApiKeyDocument.model_validate_json(text)

    def create(self, scope: Scope) -> NewKey:
        """Make a key of a scope; those that are there stay valid."""
        key, entry = new_key(scope)
        made = self.gateway.create_api_key(
            name=entry.id, description=f"scope {scope}", enabled=True, value=key
        )
        self.gateway.create_usage_plan_key(
            usagePlanId=self.usage_plan_id, keyId=made["id"], keyType="API_KEY"
        )
        self._write(self.document().with_key(entry))
        return NewKey(entry.id, key, scope)

    def revoke(self, key_id: str) -> str:
        """End a key; within the function's time to live (a minute) it opens nothing.

        Raises:
            UnknownKeyError: There is no key of that id.
        """
        document = self.document()
        found = next((entry for entry in document.keys if entry.id == key_id), None)
        at_gateway = self.gateway.get_api_keys(nameQuery=key_id)["items"]
        left = [key["id"] for key in at_gateway if key["name"] == key_id]
        if found is None and not left:
            msg = f"there is no key {key_id}; `housing keys list` names them"
            raise UnknownKeyError(msg)
        if found:
            self._write(document.without(key_id))
        for key in left:  # also what an interrupted call left
            self.gateway.delete_api_key(apiKey=key)
        return key_id

    def _write(self, document: ApiKeyDocument) -> None:
        self.secrets.put_secret_value(
            SecretId=self.secret_id, SecretString=document.model_dump_json()
        )
