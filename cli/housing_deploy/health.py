"""Where the API is, and what it says of its own health."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

NO_MODEL_YET = "no model has been promoted yet"
"""How /health begins its reason where the registry answers and has no version to serve; any other
reason is trouble. A test holds it against the predict function."""
_ANSWER_SECONDS = 35.0  # over API Gateway's own 29


@dataclass(frozen=True, slots=True)
class Health:
    """What ``GET /health`` said."""

    status: str
    model_version: str | None
    reason: str

    @property
    def waits_for_data(self) -> bool:
        """Whether nothing is wrong but that there is no model yet."""
        return self.status == "no_model" and self.reason.startswith(NO_MODEL_YET)


def api_url(outputs: Mapping[str, str], stage: str, endpoint_url: str | None) -> str:
    """Return the API's URL; an endpoint that stands in for AWS has it under a path of its own."""
    if endpoint_url is None:
        return outputs["ApiUrl"]
    return f"{endpoint_url}/restapis/{outputs['ApiId']}/{stage}/_user_request_"


def api_client(url: str) -> httpx.Client:
    """Return a client of the API that waits for no answer longer than API Gateway does."""
    return httpx.Client(base_url=url, timeout=_ANSWER_SECONDS)


def health(api: httpx.Client) -> Health | None:
    """Ask once; None where no health comes back."""
    try:
        found = api.get("/health").json()
        version = (found["model"] or {}).get("version")
        return Health(found["status"], version, found["reason"] or "")
    except (httpx.HTTPError, json.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
