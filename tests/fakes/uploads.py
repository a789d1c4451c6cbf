"""Uploads and snapshots of rows that are in memory."""

from datetime import UTC, datetime, timedelta

from retrain.training.dataset.holdout_key import HoldoutKey
from retrain.training.dataset.rows import Values, distinct
from retrain.training.dataset.snapshot import Snapshot, UploadedRows, snapshot_of

KEY = HoldoutKey(b"a key of the tests", 0.2)
FIRST_UPLOAD = datetime(2026, 1, 1, tzinfo=UTC)


def uploaded(rows: Values, number: int = 0, *, source: str = "upload") -> UploadedRows:
    """Return rows as the upload of ``job-<number>``, so many hours after the first one."""
    moment = FIRST_UPLOAD + timedelta(hours=number)
    return UploadedRows(f"job-{number}", f"part-{number}", distinct(rows)[0], source, moment)


def snapshot_after(*tables: Values, key: HoldoutKey = KEY) -> Snapshot:
    """Return the snapshot of some tables, uploaded one after the other."""
    uploads = [uploaded(table, number) for number, table in enumerate(tables)]
    return snapshot_of(uploads, key)[0]
