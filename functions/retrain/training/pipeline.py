"""The stages of a job in their order, from the upload to the alias."""

from housing.jobs import RowCounts, Stage, State
from housing.live_model import LiveModel
from housing.registry import ModelVersion, Tag
from retrain.training.dataset import Snapshot, count_new_rows, snapshot_of
from retrain.training.ingest import Ingested, Upload, ingest
from retrain.training.judging import download_registered, judge_version
from retrain.training.lease import Lease
from retrain.training.modelling import make_version
from retrain.training.parts import Parts
from retrain.training.progress import JobProgress
from retrain.training.promote import Promoter
from retrain.training.shadow_report import with_shadow
from retrain.training.split import Split, split
from retrain.training.tracking import find_trained


def train(upload: Upload, parts: Parts, progress: JobProgress, lease: Lease) -> None:
    """Take an upload in and make, judge and perhaps promote a version of all rows there are.

    Rows that were trained on before, with the same settings, are not trained on again; their
    version is judged now if it never was.
    """
    settings = parts.settings
    with progress.stage(Stage.INGEST, "reading and checking the file"):
        ingested = ingest(
            parts.s3,
            upload,
            max_bytes=settings.max_upload_bytes,
            max_bad_rows_share=settings.max_bad_rows_share,
        )
    with progress.stage(Stage.SNAPSHOT, f"adding {len(ingested.rows):,} rows to the data set"):
        lease.check()
        snapshot = _add(ingested, parts, progress)
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


def _add(ingested: Ingested, parts: Parts, progress: JobProgress) -> Snapshot:
    status, dataset = progress.status, parts.dataset
    key = dataset.add(ingested.rows, source=ingested.source, job_id=status.job_id)
    stored = dataset.parts()
    snapshot = snapshot_of(stored)
    status.rows = RowCounts(
        read=ingested.read,
        accepted=len(ingested.rows),
        rejected=ingested.rejected,
        new=count_new_rows(stored, key=key, job_id=status.job_id),
    )
    status.report_key = ingested.report_key
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
    status, settings = progress.status, parts.settings
    with progress.stage(Stage.GATE, f"comparing version {version.version} with production"):
        model = download_registered(parts.registry, version)
        verdict = judge_version(
            parts.registry, version, model, rows, margin=settings.promotion_margin
        )
        verdict = with_shadow(verdict, parts.registry, parts.shadow_report)
        status.verdict = verdict
    with progress.stage(Stage.PROMOTE, "promoting" if verdict.promote else "keeping production"):
        lease.check()
        live = LiveModel(parts.registry, parts.ledger, parts.s3, settings.bucket)
        promoter = Promoter(live, who=f"training job {status.job_id}")
        promoter.apply(version, verdict, model)
    status.promoted = verdict.promote
    outcome = "is in production" if verdict.promote else "is registered, and not promoted"
    progress.finish(State.SUCCEEDED, f"version {version.version} {outcome}: {verdict.reason}")
