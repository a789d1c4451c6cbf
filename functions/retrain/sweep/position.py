"""Position of the sweep in a bucket that is too large for one sweep."""

import logging
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from housing.errors import ObjectError
from housing.s3.documents import Documents
from housing.s3.layout import JOBS
from housing.s3.stored_uploads import Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POSITION = f"{JOBS}sweep"
_LOG = logging.getLogger(__name__)


class Position(BaseModel):
    """Job and upload after which the next sweep continues; empty at the beginning."""

    model_config = ConfigDict(frozen=True)

    job: str = ""
    upload: Place | None = None


class Positions:
    """Stores the position in the bucket: the next sweep may be another process.

    Of two concurrent sweeps the last write wins: a job that both see is started once.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._documents = Documents(s3, bucket)

    def load(self) -> Position:
        """Load the position; an unreadable one restarts from the beginning."""
        document = self._documents.read(POSITION)
        if document is None:
            return Position()
        try:
            return Position.model_validate_json(document.content)
        except ValidationError:
            return Position()

    def save(self, position: Position) -> None:
        """Save the position; if that fails, the next sweep repeats this one's range."""
        try:
            self._documents.overwrite(POSITION, position.model_dump_json().encode())
        except ObjectError as exc:
            _LOG.warning("position_not_saved", extra={"error": str(exc)})
