"""Routes that show the training jobs, and let in a file for the next one."""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from housing.jobs.report import Problem, UploadReport
from housing.jobs.status import JobStatus, Stage, State
from housing.s3.layout import NEW_DATA
from predict.admin.training_jobs import TrainingJobs
from predict.admin.upload_grants import UploadGrants
from predict.http.problem_handlers import documented
from predict.http.requests import names_once, who

MOST_PROBLEMS = 100
"""Problems of a file that an answer lists; the report in the bucket has more."""
_MOST_NAMES = 20
_LOG = logging.getLogger(__name__)
_JobId = Annotated[str, Path(pattern="^[A-Za-z0-9-]{1,64}$")]
_Cursor = Annotated[
    str | None,
    Query(pattern="^[0-9]{1,17}-[A-Za-z0-9-]{1,64}$", description="`next` of the page before"),
]
_File = Annotated[str | None, Query(max_length=1024, description="name of an uploaded file")]
_Version = Annotated[
    str | None, Query(max_length=1024, description="with `file`: version id of the upload")
]


class JobSummary(BaseModel):
    """One job, in short."""

    job_id: str
    file: str
    state: State
    stage: Stage
    message: str
    reason: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    model_version: str | None
    promoted: bool | None

    @classmethod
    def of(cls, status: JobStatus) -> Self:
        """Summarize a status."""
        held = status.held.reason if status.held else None
        verdict = status.verdict.reason if status.verdict else None
        return cls(
            job_id=status.job_id,
            file=status.upload_key.removeprefix(NEW_DATA),
            state=status.state,
            stage=status.stage,
            message=status.message,
            reason=status.reason or held or verdict,
            created_at=status.created_at,
            updated_at=status.updated_at,
            finished_at=status.finished_at,
            model_version=status.model_version,
            promoted=status.promoted,
        )


class Jobs(BaseModel):
    """The jobs that were written last, newest first."""

    jobs: list[JobSummary]
    next: str | None = Field(description="cursor of the next page; null on the last one")


class FileReport(BaseModel):
    """What the check of the file reported."""

    rejected_whole: bool
    problems_total: int
    problems: list[Problem] = Field(description=f"the first ones, {MOST_PROBLEMS} at most")
    blank_lines: int
    remarks: list[str]
    ignored_columns: list[str]
    ignored_columns_total: int

    @classmethod
    def of(cls, report: UploadReport | None) -> Self | None:
        """Shorten a report, if there is one."""
        if report is None:
            return None
        fields = report.model_dump()
        fields["problems"] = report.problems[:MOST_PROBLEMS]
        for name in ("remarks", "ignored_columns"):
            fields[name] = fields[name][:_MOST_NAMES]
        return cls(**fields)


class Job(BaseModel):
    """One job in full."""

    status: JobStatus
    report: FileReport | None = Field(description="null without one, or after it was deleted")


class UploadRequest(BaseModel):
    """The name of a file, and the source of its rows."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "more.csv"}]}
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    source: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256)
    ] = "upload"


class UploadForm(BaseModel):
    """A form to post the file with: all fields, then the file as `file`; once or again."""

    url: str
    fields: dict[str, str]
    key: str
    expires_at: datetime
    max_bytes: int


def job_routes(jobs: Callable[[], TrainingJobs], grants: Callable[[], UploadGrants]) -> APIRouter:
    """Build the routes.

    Args:
        jobs: Returns the reader of the jobs; called when it is needed.
        grants: Returns the signer of forms, likewise.
    """
    router = APIRouter(tags=["jobs"])

    @router.get("/jobs", responses=documented(422, 503), name="list_jobs")
    def list_jobs(
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
        before: _Cursor = None,
        file: _File = None,
        version: _Version = None,
    ) -> Jobs:
        """List the newest training jobs; with `file` and `version`, the job of that upload."""
        if file and version:
            status = jobs().of_upload(file, version)
            return Jobs(jobs=[JobSummary.of(status)] if status else [], next=None)
        page, following = jobs().newest(limit, before=before)
        return Jobs(jobs=[JobSummary.of(status) for status in page.jobs], next=following)

    @router.get("/jobs/{job}", responses=documented(404, 422, 503), name="show_job")
    def show_job(job: _JobId) -> Job:
        """Show a job's stages, rows, drift and verdict, and the errors of its file by row."""
        status, report = jobs().load(job)
        return Job(status=status, report=FileReport.of(report))

    @router.post(
        "/uploads",
        responses=documented(400, 422, 503),
        dependencies=[Depends(names_once)],
        name="grant_upload",
    )
    def grant_upload(wanted: UploadRequest, request: Request) -> UploadForm:
        """Sign a form with which a browser uploads one file to the bucket, for some minutes."""
        grant = grants().grant(wanted.name, wanted.source)
        _LOG.info("upload_granted", extra={"key": grant.key, "who": who(request)})
        return UploadForm(
            url=grant.url,
            fields=dict(grant.fields),
            key=grant.key,
            expires_at=grant.expires_at,
            max_bytes=grant.max_bytes,
        )

    return router
