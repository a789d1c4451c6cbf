"""A JSON document that several processes read and change without lost updates."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from housing.errors import ObjectError
from housing.s3.documents import Document, Documents

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_TRIES = 20
StateT = TypeVar("StateT", bound=BaseModel)


class StateDocument(Generic[StateT]):
    """One JSON document; the defaults of its model hold while it is missing."""

    def __init__(self, s3: "S3Client", bucket: str, key: str, model: type[StateT]) -> None:
        """Set the document.

        Args:
            s3: Client of the object store.
            bucket: The project's bucket.
            key: The document's key.
            model: Its pydantic model, each field with a default.
        """
        self._bucket = bucket
        self._key = key
        self._model = model
        self._documents = Documents(s3, bucket)

    def load(self) -> StateT:
        """Return the state.

        Raises:
            ObjectError: The document cannot be read, or is not valid.
        """
        return self._parsed(self._documents.find(self._key))

    def change(self, step: Callable[[StateT], StateT]) -> StateT:
        """Apply a step to the state, and return the new state.

        The step is repeated if another process wrote in between.

        Raises:
            ObjectError: As in ``load``, or the document cannot be written.
        """
        for _ in range(_TRIES):
            document = self._documents.find(self._key)
            before = self._parsed(document)
            after = step(before)
            if after == before:
                return before
            content = after.model_dump_json(indent=1).encode()
            before_etag = document.etag if document else None
            if self._documents.replace(self._key, content, etag=before_etag) is not None:
                return after
        msg = f"{self._key} was changed by others {_TRIES} times in a row"
        raise ObjectError(msg)

    def _parsed(self, document: Document | None) -> StateT:
        if document is None:
            return self._model()
        try:
            return self._model.model_validate_json(document.content)
        except ValidationError as exc:
            msg = f"s3://{self._bucket}/{self._key} is not valid: {exc.error_count()} errors"
            raise ObjectError(msg) from exc
