"""Port: start training jobs."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from housing.s3 import layout as bucket_layout


@dataclass(frozen=True, slots=True)
class Job:
    """The training job of one upload; it has a version id, an ETag without quotes, or both."""

    bucket: str
    key: str
    version_id: str | None
    etag: str | None = None

    @property
    def upload_version(self) -> str:
        """The upload's version id or ETag: identifies it among objects of the same key."""
        return self.version_id or self.etag or ""

    @property
    def job_id(self) -> str:
        """The job's id: equal for equal uploads."""
        return bucket_layout.job_id(bucket=self.bucket, key=self.key, version=self.upload_version)

    def arguments(self) -> list[str]:
        """Return the arguments of ``python -m retrain.training``.

        Values are joined to their options, so that a value with a leading dash is not parsed as an
        option; the id is an argument of its own, so that ``ps`` finds the process by it.
        """
        version = [f"--version-id={self.version_id}"] if self.version_id else []
        return [
            f"--bucket={self.bucket}",
            f"--key={self.key}",
            *version,
            "--job-id",
            self.job_id,
        ]


class JobLauncher(Protocol):
    """Starts the training program and does not wait for it."""

    def launch(self, job: Job) -> None:
        """Start a job, or queue it.

        Raises:
            LaunchError: It was neither started nor queued.
        """
        ...

    def attend(self) -> Collection[str] | None:
        """Keep the queue served; called by the sweep.

        Returns:
            Ids of the jobs that are queued or running here; None where they are unknown.
        """
        ...
