"""Assemble the training data: select uploads, split rows, measure drift, apply the hold rule."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from housing.jobs.results import Held
from housing.jobs.uploads import UploadRecord
from housing.registry.exclusions import Exclusion
from housing.s3.documents import Documents
from housing.schema import FEATURE_NAMES, PLACE, amount
from retrain.training.anomaly.contradictions import Table
from retrain.training.anomaly.gaps import without_gaps
from retrain.training.anomaly.priced import Priced
from retrain.training.dataset.drift import measure_drift
from retrain.training.dataset.holdout_key import HoldoutKey, holdout_key
from retrain.training.dataset.rows import Rows, Values
from retrain.training.dataset.snapshot import Arrivals, Snapshot, snapshot_of
from retrain.training.dataset.split import Split, split
from retrain.training.errors import TooFewRowsError, UploadExcludedError
from retrain.training.gate.champion import Champion, champion_of, with_stand_in
from retrain.training.gate.comparison import measure_live
from retrain.training.gate.hold import Hold, KnownData, NewData, examine, held_of
from retrain.training.gate.promote import Promoter
from retrain.training.job.context import JobContext
from retrain.training.job.intake import AddedUpload
from retrain.training.job.progress import JobProgress
from retrain.training.rules import HoldRule
from retrain.training.upload.report import write_report

_PLACE = [FEATURE_NAMES.index(name) for name in PLACE]
_LAST_UPLOADS = 10
_LAST_SHARE = 0.1
"""The champion's last ten uploads, up to a tenth of its rows, are examined again: poison may come
in small doses."""


@dataclass(frozen=True, slots=True)
class HeldUploads:
    """Job ids of the uploads that wait for a person, and the reason."""

    jobs: frozenset[str]
    held: Held


def held_uploads(
    snapshot: Snapshot,
    champion: Champion | None,
    *,
    released: Collection[str],
    rule: HoldRule,
) -> HeldUploads | None:
    """Return the uploads that need review, or None.

    Args:
        snapshot: All rows.
        champion: The version in production.
        released: Jobs whose uploads a person has released.
        rule: Limits above which uploads are held.
    """
    hold = examined(snapshot, champion, released=released, rule=rule)
    if champion is None or hold is None or not hold.is_held:
        return None
    pending = _pending(snapshot, champion, released)
    jobs = frozenset(snapshot.uploads[number] for number in hold.uploads) & pending
    if not jobs:
        return None
    held = held_of(hold, snapshot.uploads)
    return HeldUploads(jobs, held.model_copy(update={"jobs": sorted(jobs)}))


def examined(
    snapshot: Snapshot,
    champion: Champion | None,
    *,
    released: Collection[str],
    rule: HoldRule,
) -> Hold | None:
    """Examine the rows that are new to the champion; None if there are none."""
    if champion is None or champion.model is None or champion.needs_stand_in:
        return None
    is_pending = snapshot.brought_by(_pending(snapshot, champion, released))
    is_new = is_pending | _are_of_last_uploads(snapshot, champion)
    judges = snapshot.judges & ~is_new
    if not is_pending.any() or not judges.any():
        return None
    known, new = Rows.of(snapshot.rows[~is_new]), Rows.of(snapshot.rows[is_new])
    judging = Rows.of(snapshot.rows[judges])
    known, of_known = without_gaps(known, known), known
    return examine(
        NewData(
            Priced(without_gaps(new, of_known), champion.predict(new.features)),
            uploads=snapshot.standing_upload[is_new],
            are_revised=(snapshot.first_upload != snapshot.standing_upload)[is_new],
        ),
        KnownData(
            Priced(without_gaps(judging, of_known), champion.predict(judging.features)),
            known,
            snapshot.judges[~is_new],
        ),
        Table.of(known, FEATURE_NAMES, _PLACE, amount),
        rule,
    )


def _pending(snapshot: Snapshot, champion: Champion, released: Collection[str]) -> frozenset[str]:
    """Return the jobs whose uploads are new to the champion and not released."""
    return frozenset(snapshot.uploads) - champion.uploads - frozenset(released)


def _are_of_last_uploads(snapshot: Snapshot, champion: Champion) -> NDArray[np.bool_]:
    """Return the mask of rows from the champion's newest uploads, ``[n]``."""
    own = snapshot.brought_by(champion.uploads)
    are = np.zeros(len(snapshot), dtype=bool)
    newest_first = [job for job in reversed(snapshot.uploads) if job in champion.uploads]
    for job in newest_first[:_LAST_UPLOADS]:
        more = are | snapshot.brought_by({job})
        if more.sum() > _LAST_SHARE * own.sum():
            break
        are = more
    return are


_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Rows that a job trains on, and the champion to compare with.

    Attributes:
        snapshot: All rows.
        rows: The same rows, split into fitting and held-out ones.
        records: All uploads.
        champion: The version in production, or its stand-in.
        key: Key of the held-out split.
        parts: Digests of the parts that the rows come from.
        held: Why a version of these rows waits for a person; None if it does not.
    """

    snapshot: Snapshot
    rows: Split
    records: Sequence[UploadRecord]
    champion: Champion | None
    key: HoldoutKey
    parts: frozenset[str]
    held: Held | None


def training_data(
    taken: AddedUpload, context: JobContext, progress: JobProgress, promoter: Promoter
) -> TrainingData:
    """Assemble the training data and record in the status what is new in it.

    Uploads that contradict production are held; the job's own upload stays in its own data.

    Raises:
        UploadExcludedError: A person excluded the job's own rows.
        TooFewRowsError: There are too few rows to train on.
        DatasetError: A part of the data set cannot be read.
    """
    settings, status, dataset = context.settings, progress.status, context.dataset
    key = holdout_key(Documents(context.s3, settings.bucket), settings.holdout_share)
    records = dataset.uploads()
    exclusions = context.live.exclusions
    included = _included(records, taken.part, exclusions.load())
    snapshot, arrivals = snapshot_of(dataset.load(included), key)
    producing = champion_of(context.registry, dataset, records, key.id)
    _count(taken, arrivals[status.job_id], context, progress)
    new, before = _new_and_before(snapshot, status.job_id)
    status.drift = measure_drift(
        new, before, psi_limit=settings.drift_psi_limit, min_rows=settings.drift_min_rows
    )
    if status.drift.warnings:
        _LOG.warning("rows_drift", extra={"warnings": status.drift.warnings})
    unseen = _unseen(snapshot, producing, status.job_id)
    status.live = measure_live(producing, unseen, min_rows=settings.drift_min_rows)
    champion = comparable(producing, context, key, progress)
    released = exclusions.released()
    review = held_uploads(
        snapshot,
        champion,
        released=[one.job_id for one in included if one.part in released],
        rule=settings.hold_rule(),
    )
    if review:
        held_parts = _hold(review, included, promoter)
        if held_parts - {taken.part}:
            included = [one for one in included if one.part not in held_parts - {taken.part}]
            snapshot, _ = snapshot_of(dataset.load(included), key)
    status.dataset_id = snapshot.dataset_id
    status.dataset_rows = len(snapshot)
    status.data_source = snapshot.data_source
    rows = split(snapshot, min_rows=settings.min_rows)
    dataset.keep_snapshot(snapshot)
    digests = frozenset(record.part for record in included)
    held = review.held if review and status.job_id in review.jobs else None
    return TrainingData(snapshot, rows, records, champion, key, digests, held)


def comparable(
    champion: Champion | None, context: JobContext, key: HoldoutKey, progress: JobProgress
) -> Champion | None:
    """Return the champion, with a stand-in where it needs one, or None without a champion."""
    if champion is None:
        return None
    recipe = context.settings.recipe()
    try:
        return with_stand_in(champion, context.dataset, key, recipe, progress.note, context.workers)
    except TooFewRowsError as exc:
        _LOG.warning("champion_not_refitted", extra={"reason": str(exc)})
        return champion


def _hold(
    review: HeldUploads, included: Sequence[UploadRecord], promoter: Promoter
) -> frozenset[str]:
    """Hold the parts of some uploads; return their digests."""
    _LOG.warning("uploads_held", extra={"jobs": sorted(review.jobs), "reason": review.held.reason})
    held = {one.part: one.job_id for one in included if one.job_id in review.jobs}
    for part, job_id in held.items():
        promoter.hold(part, job_id=job_id, why=review.held.reason)
    return frozenset(held)


def _included(
    records: Sequence[UploadRecord], own: str, excluded: Mapping[str, Exclusion]
) -> list[UploadRecord]:
    """Drop excluded and held uploads; the job's own stays while it is held."""
    exclusion = excluded.get(own)
    if exclusion and exclusion.state == "excluded":
        msg = f"its rows are {exclusion.notice}"
        command = f'housing data include {exclusion.job_id} --reason "…"'
        raise UploadExcludedError(msg, command=command)
    return [record for record in records if record.part == own or record.part not in excluded]


def _count(
    taken: AddedUpload, arrivals: Arrivals, context: JobContext, progress: JobProgress
) -> None:
    """Record in status and report which of the upload's rows are new, known or revised."""
    status = progress.status
    if status.rows:
        status.rows.new, status.rows.known = arrivals.new, arrivals.known
        status.rows.revised = arrivals.revised
    report = replace(
        taken.ingested.report, rows_known=arrivals.known, rows_revised=arrivals.revised
    )
    if report.says_anything:
        status.report_key = write_report(context.s3, context.settings.bucket, report)


def _new_and_before(snapshot: Snapshot, job_id: str) -> tuple[Values, Values]:
    """Return a job's new and revised rows, and all other rows."""
    brought = snapshot.brought_by({job_id})
    return snapshot.rows[brought], snapshot.rows[~brought]


def _unseen(snapshot: Snapshot, champion: Champion | None, job_id: str) -> Values:
    """Return a job's rows that the champion was not fitted on."""
    brought = snapshot.brought_by({job_id})
    if champion and job_id in champion.uploads:
        brought &= snapshot.judges & (not champion.needs_stand_in)
    return snapshot.rows[brought]
