"""The training program behind its command line: settings, parts, run."""

from housing.jobs.status import JobStore, State
from retrain.training.job.composition import parts_of
from retrain.training.job.job import run
from retrain.training.job.progress import open_status
from retrain.training.settings import TrainingSettings
from retrain.training.upload.ingest import Upload


def run_job(*, bucket: str, key: str, version_id: str | None, job_id: str) -> State:
    """Run the job of one upload with the settings of the environment.

    Raises:
        ValidationError: A setting is missing or not valid.
    """
    parts = parts_of(TrainingSettings(bucket=bucket))
    etag = None if version_id else _etag(parts.jobs, job_id, key)
    return run(Upload(job_id, bucket, key, version_id, etag), parts)


def _etag(jobs: JobStore, job_id: str, key: str) -> str | None:
    """Return the upload's ETag, which the launcher wrote into the status."""
    return open_status(jobs, job_id, key, "").upload_version or None
