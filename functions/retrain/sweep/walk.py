"""How far the sweep has come, where the bucket holds more than one sweep looks at."""

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
    """The places after which the next sweep goes on; it begins at the front where there is none."""

    model_config = ConfigDict(frozen=True)

    job: str = ""
    upload: Place | None = None


class Walks:
    """Keeps the walk in the bucket: the next sweep may be another process.

    Of two sweeps at once the last word stands: what one sees twice is started once.
    """

    def __init__(self, s3: "S3Client", bucket: str) -> None:
        """Use an S3 client on one bucket."""
        self._documents = Documents(s3, bucket)

    def load(self) -> Walk:
        """Return where to go on; one that cannot be understood is one from the front."""
        document = self._documents.read(WALK)
        if document is None:
            return Walk()
        try:
            return Walk.model_validate_json(document.content)
        except ValidationError:
            return Walk()

    def save(self, walk: Walk) -> None:
        """Write where to go on; without it the next sweep goes on where this one did."""
        try:
            self._documents.overwrite(WALK, walk.model_dump_json().encode())
        except ObjectError as exc:
            _LOG.warning("walk_not_saved", extra={"error": str(exc)})
