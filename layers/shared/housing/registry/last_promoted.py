"""The copy of the last promoted model in the bucket, served while the registry is down."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel, Field, ValidationError
from typing_extensions import override

from housing.errors import LastPromotedError, ObjectError
from housing.registry.port import ModelVersion, Tag
from housing.s3.client import bounded_s3
from housing.s3.layout import MODELS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from housing.s3.bodies import Body

POINTER = f"{MODELS}production.json"


class Pointer(BaseModel):
    """Content of ``models/production.json``."""

    model: str
    version: str
    sha256: str
    key: str = Field(pattern=f"^{MODELS}")
    tags: dict[str, str]
    card: str = ""


@dataclass(frozen=True, slots=True)
class PromotedModel:
    """A promoted version, and the download of its file (raises ``LastPromotedError``)."""

    version: ModelVersion
    download: Callable[[], bytes]


class LastPromotedModel(Protocol):
    """Port: the last promoted model, without the registry."""

    def find(self) -> PromotedModel:
        """Return the model.

        Raises:
            LastPromotedError: It is missing or cannot be read.
        """
        ...


class S3LastPromotedModel(LastPromotedModel):
    """The pointer and the file under ``models/`` in the bucket.

    The pointer has neither run nor time of registration: the run is empty, the time is that of the
    promotion.
    """

    def __init__(
        self, bucket: str, model_name: str, *, client: Callable[[], "S3Client"] = bounded_s3
    ) -> None:
        self._bucket = bucket
        self._model_name = model_name
        self._client = client

    @override
    def find(self) -> PromotedModel:
        body = self._read(POINTER)
        try:
            pointer = Pointer.model_validate_json(body.content)
        except ValidationError as exc:
            msg = f"{POINTER} in {self._bucket} is not valid: {exc.error_count()} errors"
            raise LastPromotedError(msg) from exc
        if pointer.model != self._model_name:
            msg = f"{POINTER} in {self._bucket} names the model {pointer.model}"
            raise LastPromotedError(msg)
        version = ModelVersion(
            name=pointer.model,
            version=pointer.version,
            run_id="",
            created_at=body.written_at,
            tags={**pointer.tags, Tag.SHA256: pointer.sha256},
            description=pointer.card,
        )
        return PromotedModel(version, lambda: self._read(pointer.key).content)

    def _read(self, key: str) -> "Body":
        from housing.s3.bodies import read_body  # noqa: PLC0415 - rarely needed: a cold start does not wait

        try:
            return read_body(self._client(), self._bucket, key)
        except ObjectError as exc:
            raise LastPromotedError(str(exc)) from exc
