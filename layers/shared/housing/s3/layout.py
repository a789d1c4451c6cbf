"""Where things lie in the bucket, and how an upload is named."""

import hashlib

NEW_DATA = "new_data/"
DATASET = "dataset/"
REJECTED = "rejected/"
MODELS = "models/"
LEDGER = "ledger/"
JOBS = "jobs/"
ALERTS = "alerts/"
"""What was told of which failure, so that its repeats are not."""

UPLOAD_SUFFIXES = (".csv", ".csv.gz")
DATA_SOURCE_METADATA = "data-source"
"""S3 metadata key of an upload that says where its rows come from, such as ``generated``."""


def is_upload(key: str) -> bool:
    """Whether an object under this key is new data for training."""
    return key.startswith(NEW_DATA) and key.endswith(UPLOAD_SUFFIXES)


def job_id(*, bucket: str, key: str, version: str) -> str:
    """Name the job of one upload: the same upload always gets the same name.

    Args:
        bucket: The bucket's name.
        key: The object's key, decoded.
        version: The object's version id, or its ETag without quotes in a bucket without versions.
    """
    return hashlib.sha256(f"{bucket}/{key}@{version}".encode()).hexdigest()[:16]
