"""Layout of the bucket: prefixes and keys, and the ids of uploads."""

import hashlib

from housing.errors import UploadNameError

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
_KEY_BYTES = 1024  # S3's limit
_METADATA_CHARACTERS = 256


def is_upload(key: str) -> bool:
    """Whether a key is that of an upload for training; its ending may be in upper case."""
    return key.startswith(NEW_DATA) and key.lower().endswith(UPLOAD_SUFFIXES)


def upload_key(name: str) -> str:
    """Return the key of an upload of this name.

    Raises:
        UploadNameError: The name starts no job, or is not a valid key.
    """
    key = f"{NEW_DATA}{name}"
    if not is_upload(key) or name.lower() in UPLOAD_SUFFIXES:
        suffixes = " or ".join(UPLOAD_SUFFIXES)
        msg = f"'{name}' does not end in {suffixes}, so it starts no job"
        raise UploadNameError(msg)
    if "/" in name or not name.isprintable() or len(key.encode()) > _KEY_BYTES:
        msg = f"{name!r} is not a valid name: use no slashes, no control characters, fewer bytes"
        raise UploadNameError(msg)
    return key


def upload_type(key: str) -> str:
    """Return the Content-Type of an upload."""
    return "application/gzip" if key.lower().endswith(".gz") else "text/csv"


def upload_metadata(source: str) -> dict[str, str]:
    """Return the metadata of an upload from a source; what S3 does not take becomes ``?``."""
    kept = (char if char.isascii() and char.isprintable() else "?" for char in source)
    return {DATA_SOURCE_METADATA: "".join(kept)[:_METADATA_CHARACTERS]}


def job_id(*, bucket: str, key: str, version: str) -> str:
    """Return the id of an upload's job: always the same for one upload.

    Args:
        bucket: The bucket's name.
        key: The object's key, decoded.
        version: Its version id, or its ETag without quotes in a bucket without versions.
    """
    return hashlib.sha256(f"{bucket}/{key}@{version}".encode()).hexdigest()[:16]
