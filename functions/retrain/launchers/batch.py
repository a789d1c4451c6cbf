"""Launch training jobs on AWS Batch."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from typing_extensions import override

from retrain.errors import LaunchError
from retrain.launcher import Job, JobLauncher

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_TAG_CHARACTERS = 256  # https://docs.aws.amazon.com/batch/latest/userguide/using-tags.html
_TAG_PUNCTUATION = "_.:/=+-@ "


class BatchJobLauncher(JobLauncher):
    """Submits each job to a Batch queue; the container's entry point is the training program."""

    def __init__(self, batch: "BatchClient", *, queue: str, definition: str) -> None:
        """Use a Batch client, a queue and a job definition, by name or ARN."""
        self._batch = batch
        self._queue = queue
        self._definition = definition

    @override
    def launch(self, job: Job) -> None:
        try:
            self._batch.submit_job(
                jobName=f"retrain-{job.job_id}",
                jobQueue=self._queue,
                jobDefinition=self._definition,
                containerOverrides={"command": job.arguments()},
                tags={"job-id": job.job_id, "upload-key": _tag(job.key)},
                propagateTags=True,
            )
        except (BotoCoreError, ClientError) as exc:
            msg = f"AWS Batch did not accept the job in {self._queue}: {exc}"
            raise LaunchError(msg) from exc

    @override
    def attend(self) -> None:
        """Do nothing: AWS Batch serves its own queue."""


def _tag(text: str) -> str:
    """Return a text with the characters that a tag may not hold replaced."""
    kept = (char if char.isalnum() or char in _TAG_PUNCTUATION else "_" for char in text)
    return "".join(kept)[:_TAG_CHARACTERS]
