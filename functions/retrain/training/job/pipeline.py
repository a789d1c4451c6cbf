"""The stages of a job in their order, from the upload to the alias."""

import logging
from dataclasses import replace

from housing.alerts.job_outcomes import alert_on_repair
from housing.jobs.findings import RowCounts
from housing.jobs.status import Stage, State
from housing.registry.alias_repair import Repair
from housing.registry.live_model import LiveModel
from housing.registry.port import ModelVersion, Tag
from housing.s3.lease import Lease
from retrain.training.dataset.dataset import Part, Snapshot, new_and_before, snapshot_of
from retrain.training.dataset.drift import measure_drift
from retrain.training.dataset.split import Split, split
from retrain.training.errors import ChampionChangedError
from retrain.training.gate.judging import download_registered, judge_version
from retrain.training.gate.live_figures import measure_live
from retrain.training.gate.promote import Promoter
from retrain.training.gate.shadow_report import with_shadow
from retrain.training.job.candidate import make_version
from retrain.training.job.context import Parts
from retrain.training.job.intake import TakenIn, take_in, take_in_queued
from retrain.training.job.progress import JobProgress
from retrain.training.tracking.port import find_trained
from retrain.training.upload.ingest import Upload
from retrain.training.upload.reporting import write_report

_MOST_JUDGINGS = 3
_LOG = logging.getLogger(__name__)


def add_upload(upload: Upload, parts: Parts, progress: JobProgress) -> TakenIn:
    """Check the job's upload and add its good rows to the data set, without a turn.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is not fit for training; its report is written.
    """
    with progress.stage(Stage.INGEST, "reading and checking the file"):
        taken = take_in(upload, parts)
        ingested = taken.ingested
        progress.status.rows = RowCounts(
            read=ingested.read,
            accepted=ingested.accepted,
            rejected=ingested.rejected,
            new=0,
            duplicates=ingested.duplicates,
        )
    return taken


def train(taken: TakenIn, parts: Parts, progress: JobProgress, lease: Lease) -> None:
    """Make, judge and perhaps promote a version of all rows there are.

    Rows that were trained on before, with the same settings, are not trained on again; their
    version is judged now if it never was.

    Args:
        taken: The job's upload.
        parts: The job's surroundings.
        progress: The job's.
        lease: Held; without it nothing is registered and no alias moved.
    """
    settings = parts.settings
    with progress.stage(Stage.SNAPSHOT, "putting the data set together"):
        lease.check()
        stored = parts.dataset.parts()
        others = take_in_queued(parts, known={part.job_id for part in stored})
        if others:
            progress.say(f"{others} uploads that queue are trained on as well")
            stored = parts.dataset.parts()
        snapshot = _snapshot(taken, stored, parts, progress)
        rows = split(
            snapshot,
            holdout_share=settings.holdout_share,
            min_rows=settings.min_rows,
        )
    version = find_trained(
        parts.registry,
        dataset_id=snapshot.dataset_id,
        settings_id=settings.recipe().settings_id,
    )
    if version is None:
        version = make_version(snapshot, rows, parts, progress, lease)
    _tell(version, progress)
    if version.tags.get(Tag.ROLLED_BACK):
        message = f"version {version.version} was rolled back from: {version.tags[Tag.ROLLED_BACK]}"
        progress.finish(State.SUCCEEDED, message)
        return
    if Tag.VERDICT in version.tags:
        message = f"version {version.version} was already trained on exactly these rows"
        progress.finish(State.SUCCEEDED, message)
        return
    _judge_and_act(version, rows, parts, progress, lease)


def promoter_of(parts: Parts, progress: JobProgress) -> Promoter:
    """Return what changes aliases for a job; what it has to repair is told."""
    settings = parts.settings

    def told(repaired: Repair) -> None:
        parts.alerts.send(alert_on_repair(repaired, settings.model_name))

    live = LiveModel(parts.registry, parts.ledger, parts.s3, settings.bucket)
    return Promoter(live, settings.model_name, f"training job {progress.status.job_id}", told)


def _snapshot(taken: TakenIn, stored: list[Part], parts: Parts, progress: JobProgress) -> Snapshot:
    """Put all parts together, and say what of them the job's upload has brought."""
    status, settings = progress.status, parts.settings
    snapshot = snapshot_of(stored)
    new, before = new_and_before(stored, key=taken.key, job_id=status.job_id)
    known = taken.ingested.part.rows - len(new)
    if status.rows:
        status.rows.new, status.rows.known = len(new), known
    report = replace(taken.ingested.report, rows_known=known)
    if report.says_anything:
        status.report_key = write_report(parts.s3, settings.bucket, report)
    status.drift = measure_drift(
        new, before, psi_limit=settings.drift_psi_limit, min_rows=settings.drift_min_rows
    )
    status.live = measure_live(
        parts.registry,
        new,
        came_at=status.created_at,
        holdout_share=settings.holdout_share,
        min_rows=settings.drift_min_rows,
    )
    if status.drift.warnings:
        _LOG.warning("rows_drift", extra={"warnings": status.drift.warnings})
    status.dataset_id = snapshot.dataset_id
    status.dataset_rows = len(snapshot)
    status.data_source = snapshot.data_source
    return snapshot


def _tell(version: ModelVersion, progress: JobProgress) -> None:
    progress.status.run_id = version.run_id
    progress.status.model_version = version.version
    progress.status.metrics = {
        name.removeprefix(Tag.METRIC_PREFIX): float(value)
        for name, value in version.tags.items()
        if name.startswith(Tag.METRIC_PREFIX)
    }


def _judge_and_act(
    version: ModelVersion, rows: Split, parts: Parts, progress: JobProgress, lease: Lease
) -> None:
    """Judge and act; where somebody changed production meanwhile, judge against that."""
    status, settings = progress.status, parts.settings
    promoter = promoter_of(parts, progress)
    for judging in range(1, _MOST_JUDGINGS + 1):
        with progress.stage(Stage.GATE, f"comparing version {version.version} with production"):
            model = download_registered(parts.registry, version)
            judged = judge_version(parts.registry, version, model, rows, settings.gate_rules())
            verdict = with_shadow(judged.verdict, parts.registry, parts.shadow_report)
            status.verdict = verdict
        message = "promoting" if verdict.promote else "keeping production"
        try:
            with progress.stage(Stage.PROMOTE, message):
                lease.check()
                promoter.apply(version, verdict, model, champion=judged.champion)
            break
        except ChampionChangedError:
            if judging == _MOST_JUDGINGS:
                raise
    status.promoted = verdict.promote
    outcome = "is in production" if verdict.promote else "is registered, and not promoted"
    progress.finish(State.SUCCEEDED, f"version {version.version} {outcome}: {verdict.reason}")
