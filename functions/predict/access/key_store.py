"""Fetches the keys' document, and the webhooks' secret, from Secrets Manager or Parameter Store."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from housing.api_keys import ApiKeyDocument
from predict.errors import ApiKeysUnavailableError, StoreUnavailableError

SSM = "ssm:"
_SECRET_SECONDS = 60
_CONNECT_SECONDS = 1.0
_READ_SECONDS = 1.0


class StoredKeys:
    """Fetches the document through Powertools' parameters."""

    def __init__(self, reference: str, provider: Callable[[str], Any] | None = None) -> None:
        """Set the place; the first call fetches.

        Args:
            reference: Name or ARN of a secret, or ``ssm:`` and the name of a parameter.
            provider: Returns Powertools' provider for a reference; a real one by default.
        """
        self._reference = reference
        self._make_provider = provider or _provider
        self._provider: Any = None

    def __call__(self) -> ApiKeyDocument:
        """Return the document.

        Raises:
            ApiKeysUnavailableError: It cannot be fetched, or is not valid.
        """
        from aws_lambda_powertools.utilities.parameters.exceptions import (  # noqa: PLC0415 - imports boto3
            GetParameterError,
            GetSecretError,
        )

        self._provider = self._provider or self._make_provider(self._reference)
        try:
            # The authenticator keeps the document, not Powertools.
            options = {"decrypt": True} if self._reference.startswith(SSM) else {}
            text = self._provider.get(
                self._reference.removeprefix(SSM), force_fetch=True, **options
            )
            return ApiKeyDocument.model_validate_json(text)
        except (GetParameterError, GetSecretError, ValidationError) as exc:
            msg = f"the keys at {self._reference} cannot be read: {type(exc).__name__}"
            raise ApiKeysUnavailableError(msg, retry_after_seconds=5) from exc


class StoredSecret:
    """Fetches one secret; the provider keeps it for a minute."""

    def __init__(self, reference: str, provider: Callable[[str], Any] | None = None) -> None:
        """Set the place; the first call fetches. Arguments as of ``StoredKeys``."""
        self._reference = reference
        self._make_provider = provider or _provider
        self._provider: Any = None

    def __call__(self) -> str:
        """Return the secret.

        Raises:
            StoreUnavailableError: It cannot be fetched, or is empty.
        """
        from aws_lambda_powertools.utilities.parameters.exceptions import (  # noqa: PLC0415 - imports boto3
            GetParameterError,
            GetSecretError,
        )

        self._provider = self._provider or self._make_provider(self._reference)
        options = {"decrypt": True} if self._reference.startswith(SSM) else {}
        try:
            secret = self._provider.get(
                self._reference.removeprefix(SSM), max_age=_SECRET_SECONDS, **options
            )
        except (GetParameterError, GetSecretError) as exc:
            msg = "the webhooks' secret cannot be read"
            raise StoreUnavailableError(msg, retry_after_seconds=5) from exc
        if not (text := str(secret).strip()):
            msg = "the webhooks' secret is empty"
            raise StoreUnavailableError(msg, retry_after_seconds=60)
        return text


def _provider(reference: str) -> Any:
    """Return the provider; boto3 takes 400 ms to import, so the first fetch imports it."""
    from aws_lambda_powertools.utilities.parameters import (  # noqa: PLC0415 - imports boto3
        SecretsProvider,
        SSMProvider,
    )
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return (SSMProvider if reference.startswith(SSM) else SecretsProvider)(boto_config=config)
