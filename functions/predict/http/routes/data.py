"""Routes that list the uploads of the data set, and exclude or include one's rows."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from predict.admin.data_changes import DataChanged, DataChanges, UploadedPart
from predict.http.problem_handlers import documented
from predict.http.requests import Why, names_once, who

Job = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9-]{1,64}$")]
_JOB = "job that brought the rows, or the digest of the part"


class Exclusion(BaseModel):
    """Who left the rows out, since when and why."""

    who: str
    since: datetime
    why: str


class Upload(BaseModel):
    """Rows of the data set, as a job brought them."""

    job_id: str = Field(description="the digest of the part where no job is recorded")
    part: str = Field(description="digest of the rows")
    file: str | None
    source: str | None
    rows: int | None
    uploaded_at: datetime
    state: Literal["included", "excluded", "held"]
    exclusion: Exclusion | None


class Data(BaseModel):
    """The newest uploads, newest first, and every one whose rows are left out."""

    uploads: list[Upload]


class DataChoice(BaseModel):
    """Whose rows, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"job": "5c37c0ffee123456", "reason": "wrong unit"}]},
    )

    job: Job = Field(description=_JOB)
    reason: Why


class DataChange(BaseModel):
    """The rows and their state after the change."""

    upload: Upload
    changed: bool = Field(description="false where they were in that state already")


def data_routes(changes: Callable[[], DataChanges]) -> APIRouter:
    """Build the routes.

    Args:
        changes: Returns the use case; called when it is needed.
    """
    router = APIRouter(tags=["data"])

    @router.get("/data", responses=documented(422, 503))
    def data(limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Data:
        """List the uploads that the data set is made of, and which are left out."""
        return Data(uploads=[_upload(part) for part in changes().newest(limit)])

    statuses = documented(400, 404, 409, 422, 503)
    once = [Depends(names_once)]

    @router.post("/data/exclude", responses=statuses, dependencies=once)
    def exclude(wanted: DataChoice, request: Request) -> DataChange:
        """Leave the rows of a job out of the data set from the next job on."""
        return _change(changes().exclude(wanted.job, why=wanted.reason, who=who(request)))

    @router.post("/data/include", responses=statuses, dependencies=once)
    def include(wanted: DataChoice, request: Request) -> DataChange:
        """Take the rows of a job into the data set again."""
        return _change(changes().include(wanted.job, why=wanted.reason, who=who(request)))

    return router


def _change(changed: DataChanged) -> DataChange:
    return DataChange(upload=_upload(changed.part), changed=changed.is_changed)


def _upload(part: UploadedPart) -> Upload:
    record, exclusion = part.record, part.exclusion
    return Upload(
        job_id=part.job_id,
        part=part.part,
        file=part.file or None,
        source=record.source if record else None,
        rows=record.rows if record else None,
        uploaded_at=part.uploaded_at,
        state=exclusion.state if exclusion else "included",
        exclusion=(
            Exclusion(who=exclusion.who, since=exclusion.when, why=exclusion.why)
            if exclusion
            else None
        ),
    )
