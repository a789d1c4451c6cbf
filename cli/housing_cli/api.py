"""The API's client: one question, one answer, errors in the API's own words."""

import json
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from housing_cli.errors import ApiRefusedError, ApiUnreachableError, DataFileError

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class Interval(BaseModel):
    """The 90 % interval of a price; the model's own limits are kept as extra fields."""

    model_config = ConfigDict(extra="allow")

    lower_usd: float
    upper_usd: float


class PredictedPrice(BaseModel):
    """What the command line needs of the API's answer; whatever else it holds is kept."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    price_usd: float
    interval_90: Interval
    model_name: str
    model_version: str
    stale: bool
    warnings: list[str] = []


class Promotion(BaseModel):
    """Whether jobs may promote; who stopped them, since when and why."""

    model_config = ConfigDict(extra="ignore")

    stopped: bool
    since: datetime | None = None
    who: str | None = None
    why: str | None = None


class Change(BaseModel):
    """What is live now, and what was."""

    version: str
    from_version: str | None
    changed: bool
    automatic_promotion: Promotion = Promotion(stopped=False)
    included: list[str] = []


class Resumed(BaseModel):
    """The stop of automatic promotion that was ended."""

    changed: bool
    before: Promotion


class Exclusion(BaseModel):
    """Who left rows out of the data set, since when and why."""

    who: str
    since: datetime
    why: str


class UploadedPart(BaseModel):
    """Rows of the data set, as a job brought them."""

    job_id: str
    part: str
    file: str | None
    source: str | None
    rows: int | None
    uploaded_at: datetime
    state: str
    exclusion: Exclusion | None


class DataSet(BaseModel):
    """The newest uploads of the data set, and every one whose rows are left out."""

    uploads: list[UploadedPart]


class DataChange(BaseModel):
    """Rows of the data set, after they were taken out or in."""

    upload: UploadedPart
    changed: bool


AnswerT = TypeVar("AnswerT", bound=BaseModel)


class HousingApi:
    """The deployed API, asked with a key."""

    def __init__(
        self, url: str, api_key: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Remember where the API is; nothing is asked yet."""
        self._url = url
        self._client = httpx.Client(
            headers={"x-api-key": api_key}, timeout=_TIMEOUT, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def predict(self, block_group: Mapping[str, Any]) -> PredictedPrice:
        """Return the API's answer for one block group.

        Raises:
            ApiUnreachableError: There was no answer in time.
            ApiRefusedError: The answer was an error.
            DataFileError: The row cannot be written as JSON.
        """
        try:
            body = json.dumps(block_group, allow_nan=False)
        except ValueError as exc:
            msg = "a row holds a number that is not finite"
            raise DataFileError(msg) from exc
        return self._asked("POST", "/predict", PredictedPrice, body)

    def rollback(self, to: str | None, reason: str) -> Change:
        """Put an earlier version back; the key has to be an administrator's.

        Raises:
            ApiUnreachableError, ApiRefusedError: As in ``predict``.
        """
        wanted = {"reason": reason} | ({"to": to} if to else {})
        return self._asked("POST", "/models/rollback", Change, json.dumps(wanted))

    def promote(self, version: str, reason: str) -> Change:
        """Make a version live; the key has to be an administrator's.

        Raises:
            ApiUnreachableError, ApiRefusedError: As in ``predict``.
        """
        body = json.dumps({"version": version, "reason": reason})
        return self._asked("POST", "/models/promote", Change, body)

    def resume(self, reason: str) -> Resumed:
        """Let jobs promote again; the key has to be an administrator's.

        Raises:
            ApiUnreachableError, ApiRefusedError: As in ``predict``.
        """
        return self._asked("POST", "/models/resume", Resumed, json.dumps({"reason": reason}))

    def data(self, limit: int) -> DataSet:
        """Return the uploads of the data set; the key has to be an administrator's.

        Raises:
            ApiUnreachableError, ApiRefusedError: As in ``predict``.
        """
        return self._asked("GET", f"/data?limit={limit}", DataSet)

    def exclude(self, job: str, reason: str) -> DataChange:
        """Leave the rows of a job out of the data set; the key has to be an administrator's.

        Raises:
            ApiUnreachableError, ApiRefusedError: As in ``predict``.
        """
        body = json.dumps({"job": job, "reason": reason})
        return self._asked("POST", "/data/exclude", DataChange, body)

    def include(self, job: str, reason: str) -> DataChange:
        """Take the rows of a job into the data set again; as ``exclude``."""
        body = json.dumps({"job": job, "reason": reason})
        return self._asked("POST", "/data/include", DataChange, body)

    def _asked(self, method: str, path: str, answer: type[AnswerT], body: str = "") -> AnswerT:
        try:
            response = self._client.request(
                method,
                self._url + path,
                content=body,
                headers={"content-type": "application/json"} if body else {},
            )
        except (httpx.TransportError, httpx.InvalidURL) as exc:
            msg = f"the API at {self._url} cannot be reached ({type(exc).__name__})"
            raise ApiUnreachableError(msg) from exc
        return _answer(response, answer)


def _answer(response: httpx.Response, answer: type[AnswerT]) -> AnswerT:
    try:
        body = response.json()
    except ValueError:
        body = None
    known = body if isinstance(body, dict) else {}
    if not response.is_success:
        raise ApiRefusedError(_refusal(response.status_code, known), known)
    try:
        return answer.model_validate(known)
    except ValidationError as exc:
        what = "a prediction" if answer is PredictedPrice else "what was asked for"
        msg = f"{response.request.url} answered without {what}: check HOUSING_API_URL"
        raise ApiRefusedError(msg, known) from exc


def _refusal(status: int, problem: Mapping[str, Any]) -> str:
    """Say what the API said: a problem of RFC 9457, or the gateway's bare ``message``."""
    said = [str(problem[name]) for name in ("title", "detail", "message") if problem.get(name)]
    fields = [
        f"{error.get('field')}: {error.get('message')}"
        for error in problem.get("errors") or []
        if isinstance(error, Mapping)
    ]
    line = ": ".join(dict.fromkeys(said)) or "no word of why"
    return f"the API answered {status}: {line}" + "".join(f"; {field}" for field in fields)
