"""Where things lie in the bucket, and how an upload is named."""

import hashlib

NEW_DATA = "new_data/"
DATASET = "dataset/"
LINEAGE = "lineage/"
"""Where the data set comes from; beside ``dataset/``, under which queries read every object."""
LINEAGE_UPLOADS = "lineage/uploads/"
"""Which job brought which part of the data set, and when its file was uploaded."""
LINEAGE_SNAPSHOTS = "lineage/snapshots/"
"""Which uploads each data set that was trained on was made of."""
REJECTED = "rejected/"
MODELS = "models/"
LEDGER = "ledger/"
JOBS = "jobs/"
ALERTS = "alerts/"
"""What was told of which failure, so that its repeats are not."""

HOLDOUT_KEY = "secrets/holdout-key"
"""Decides which rows are held out; read by the training job alone."""

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
