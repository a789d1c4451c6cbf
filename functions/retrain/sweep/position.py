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

WALK = f"{JOBS}sweep"
_LOG = logging.getLogger(__name__)


class Walk(BaseModel):
    """Job and upload after which the next sweep continues; empty at the beginning."""

    model_config = ConfigDict(frozen=True)

    job: str = ""
    upload: Place | None = None


class Walks:
    """Stores the position in the bucket: the next sweep may be another process.

    Of two concurrent sweeps the last write wins: a job that both see is started once.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._documents = Documents(s3, bucket)

    def load(self) -> Walk:
        """Load the position; an unreadable one restarts from the beginning."""
        document = self._documents.read(WALK)
        if document is None:
            return Walk()
        try:
            return Walk.model_validate_json(document.content)
        except ValidationError:
            return Walk()

    def save(self, walk: Walk) -> None:
        """Save the position; if that fails, the next sweep repeats this one's range."""
        try:
            self._documents.overwrite(WALK, walk.model_dump_json().encode())
        except ObjectError as exc:
            _LOG.warning("walk_not_saved", extra={"error": str(exc)})
