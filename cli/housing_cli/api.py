"""HTTP client of the API; its errors carry the API's own messages."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from housing.answer_text import AnswerText, text_of
from housing.schema import SUBJECT
from housing_cli.errors import ApiRefusedError, ApiUnreachableError, DataFileError

_TIMEOUT = httpx.Timeout(30.0, connect=5.0)


class PredictedPrice(BaseModel):
    """A prediction: what is known of the model; the subject's own fields are kept."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_name: str
    model_version: str
    stale: bool
    warnings: list[str] = []

    @model_validator(mode="after")
    def _has_the_subjects_fields(self) -> Self:
        try:
            text_of(self.model_extra or {})
        except (KeyError, TypeError) as exc:
            msg = f"the answer is none of {SUBJECT.name}: {exc}"
            raise ValueError(msg) from exc
        return self

    @property
    def text(self) -> AnswerText:
        """The prediction as a person reads it."""
        return text_of(self.model_extra or {})


class _PredictedBatch(BaseModel):
    """The predictions of a batch; what they share is given once."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())

    predictions: list[dict[str, Any]]
    model_name: str
    model_version: str
    stale: bool


class Promotion(BaseModel):
    """The state of automatic promotion: stopped or not, since when, by whom and why."""

    model_config = ConfigDict(extra="ignore")

    stopped: bool
    since: datetime | None = None
    who: str | None = None
    why: str | None = None


class Change(BaseModel):
    """A change of the live version."""

    version: str
    from_version: str | None
    changed: bool
    automatic_promotion: Promotion = Promotion(stopped=False)
    included: list[str] = []


class Resumed(BaseModel):
    """The end of a stop of automatic promotion; ``before`` is the stop."""

    changed: bool
    before: Promotion


class Exclusion(BaseModel):
    """An exclusion of rows from the data set."""

    who: str
    since: datetime
    why: str


class UploadedPart(BaseModel):
    """The rows that one job added to the data set."""

    job_id: str
    part: str
    file: str | None
    source: str | None
    rows: int | None
    uploaded_at: datetime
    state: str
    exclusion: Exclusion | None


class DataSet(BaseModel):
    """The newest uploads of the data set, and every excluded one."""

    uploads: list[UploadedPart]


class DataChange(BaseModel):
    """An exclusion or inclusion of an upload's rows."""

    upload: UploadedPart
    changed: bool


AnswerT = TypeVar("AnswerT", bound=BaseModel)


class HousingApi:
    """Client of the deployed API, with a key.

    Every method raises ``ApiUnreachableError`` without an answer in time, and ``ApiRefusedError``
    if the API answers with an error.
    """

    def __init__(
        self, url: str, api_key: str, *, transport: httpx.BaseTransport | None = None
    ) -> None:
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
        """Return the prediction for one block group.

        Raises:
            DataFileError: The row is not valid JSON.
        """
        return self._request("POST", "/predict", PredictedPrice, _as_json(block_group))

    def predict_batch(self, block_groups: Sequence[Mapping[str, Any]]) -> list[PredictedPrice]:
        """Return the predictions for many block groups, in their order.

        Raises:
            DataFileError: A row is not valid JSON.
        """
        body = _as_json({"instances": [*block_groups]})
        answer = self._request("POST", "/predict/batch", _PredictedBatch, body)
        model = {name: getattr(answer, name) for name in ("model_name", "model_version", "stale")}
        return [PredictedPrice(**model, **price) for price in answer.predictions]

    def rollback(self, to: str | None, reason: str) -> Change:
        """Make an earlier version live again; needs an admin key."""
        body = {"reason": reason} | ({"to": to} if to else {})
        return self._post("/models/rollback", Change, **body)

    def promote(self, version: str, reason: str) -> Change:
        """Make a version live; needs an admin key."""
        return self._post("/models/promote", Change, version=version, reason=reason)

    def resume(self, reason: str) -> Resumed:
        """Allow automatic promotion again; needs an admin key."""
        return self._post("/models/resume", Resumed, reason=reason)

    def data(self, limit: int) -> DataSet:
        """Return the uploads of the data set; needs an admin key."""
        return self._request("GET", f"/data?limit={limit}", DataSet)

    def exclude(self, job: str, reason: str) -> DataChange:
        """Exclude the rows of a job from the data set; needs an admin key."""
        return self._post("/data/exclude", DataChange, job=job, reason=reason)

    def include(self, job: str, reason: str) -> DataChange:
        """Include the rows of a job in the data set again; needs an admin key."""
        return self._post("/data/include", DataChange, job=job, reason=reason)

    def _post(self, path: str, answer: type[AnswerT], **body: str) -> AnswerT:
        return self._request("POST", path, answer, json.dumps(body))

    def _request(self, method: str, path: str, answer: type[AnswerT], body: str = "") -> AnswerT:
        try:
            response = self._client.request(
                method,
                self._url + path,
                content=body,
                headers={"content-type": "application/json"} if body else {},
            )
        except (httpx.TransportError, httpx.InvalidURL) as exc:
            msg = f"cannot reach the API at {self._url} ({type(exc).__name__})"
            raise ApiUnreachableError(msg) from exc
        return _answer(response, answer)


def _as_json(document: Mapping[str, Any]) -> str:
    try:
        return json.dumps(document, allow_nan=False)
    except ValueError as exc:
        msg = "a row has a number that is not finite"
        raise DataFileError(msg) from exc


def _answer(response: httpx.Response, answer: type[AnswerT]) -> AnswerT:
    try:
        body = response.json()
    except ValueError:
        body = None
    document = body if isinstance(body, dict) else {}
    if not response.is_success:
        raise ApiRefusedError(_refusal(response.status_code, document), document)
    try:
        return answer.model_validate(document)
    except ValidationError as exc:
        field = ".".join(map(str, exc.errors()[0]["loc"]))
        msg = f"{response.request.url} answered without a valid {field}: check HOUSING_API_URL"
        raise ApiRefusedError(msg, document) from exc


def _refusal(status: int, problem: Mapping[str, Any]) -> str:
    """Return the error line of a problem (RFC 9457), or of the gateway's bare ``message``."""
    texts = [str(problem[name]) for name in ("title", "detail", "message") if problem.get(name)]
    errors = [error for error in problem.get("errors") or [] if isinstance(error, Mapping)]
    if errors:  # the detail only lists their fields
        return "; ".join(map(_field_line, errors))
    line = ": ".join(dict.fromkeys(texts)) or "no reason given"
    return f"the API answered {status}: {line}"


_WORDS = (
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"Input should be a valid number.*", "must be a number"),
    (r"Input should be a finite number", "must be a finite number"),
    (r"Input should be a valid (\w+).*", r"must be a \1"),
    (r"String should match pattern '\^\[1-9\].*", "must be a version's number, such as 3"),
    (r"String should match pattern .*", "has another form than expected"),
    (r"String should have at least (\d+) characters?", r"must have at least \1 characters"),
    (r"String should have at most (\d+) characters?", r"must have at most \1 characters"),
    (r"Field required", "is missing"),
    (r"Extra inputs are not permitted", "is not a known field"),
)
"""The API's messages, which are pydantic's, in words of a command line."""


def _field_line(error: Mapping[str, Any]) -> str:
    """Return one line for a field's error: its name, what is wrong, and what was given."""
    message = str(error.get("message"))
    plain = next(
        (re.sub(form, words, message) for form, words in _WORDS if re.fullmatch(form, message)),
        None,
    )
    field = str(error.get("field")).removeprefix("body.")
    if plain is None:
        return f"{field}: {message}"
    is_shown = error.get("value") is not None and plain.startswith("must")
    given = f", not {error['value']}" if is_shown else ""
    return f"{field} {plain}{given}"
