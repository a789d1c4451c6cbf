"""Layout of the bucket: prefixes and keys, and the ids of uploads."""

import hashlib

NEW_DATA = "new_data/"
DATASET = "dataset/"
LINEAGE = "lineage/"
"""Origin of the data set; not under ``dataset/``, of which queries read every object."""
LINEAGE_UPLOADS = "lineage/uploads/"
"""Record of the part of the data set that each job added."""
LINEAGE_SNAPSHOTS = "lineage/snapshots/"
"""Uploads of each data set that was trained on."""
REJECTED = "rejected/"
MODELS = "models/"
LEDGER = "ledger/"
JOBS = "jobs/"
ALERTS = "alerts/"
"""Sent alerts, to deduplicate repeats."""

HOLDOUT_KEY = "secrets/holdout-key"
"""Key of the choice of held-out rows; read by the training job only."""

UPLOAD_SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
DATA_SOURCE_METADATA = "data-source"
"""S3 metadata key of an upload's origin, such as ``generated``."""


def is_upload(key: str) -> bool:
    """Whether a key is that of an upload for training; its ending may be in upper case."""
    return key.startswith(NEW_DATA) and key.lower().endswith(UPLOAD_SUFFIXES)


def job_id(*, bucket: str, key: str, version: str) -> str:
    """Return the id of an upload's job: always the same for one upload.

    Args:
        bucket: The bucket's name.
        key: The object's key, decoded.
        version: Its version id, or its ETag without quotes in a bucket without versions.
    """
    return hashlib.sha256(f"{bucket}/{key}@{version}".encode()).hexdigest()[:16]
