"""Stages of a job in order, from the upload to the alias."""

from collections.abc import Callable
from functools import partial

from housing.alerts.jobs import alert_on_repair
from housing.jobs.results import Held, RowCounts
from housing.jobs.status import Stage, State
from housing.registry.alias_repair import Repair
from housing.registry.live_model import holder_of
from housing.registry.port import PRODUCTION, ModelVersion, Tag
from housing.s3.lease import Lease
from retrain.training.errors import ChampionChangedError
from retrain.training.gate.champion import Champion, are_fair, champion_of, download_registered
from retrain.training.gate.comparison import judge_version
from retrain.training.gate.promote import HELD, Outcome, Promoter
from retrain.training.gate.shadow_report import with_shadow
from retrain.training.job.candidate import train_version
from retrain.training.job.context import JobContext
from retrain.training.job.description import describe_version
from retrain.training.job.intake import AddedUpload, add_queued_uploads, add_upload
from retrain.training.job.progress import JobProgress
from retrain.training.job.training_data import (
    TrainingData,
    comparable,
    training_data,
)
from retrain.training.tracking.port import find_trained
from retrain.training.upload.ingest import Upload

_MOST_COMPARISONS = 3


def ingest_upload(upload: Upload, context: JobContext, progress: JobProgress) -> AddedUpload:
    """Check the job's upload and add its good rows to the data set; needs no lease.

    Raises:
        UploadGoneError: The object is not there any more.
        UploadRejectedError: It is not fit for training; its report is written.
    """
    with progress.stage(Stage.INGEST, "reading and checking the file"):
        taken = add_upload(upload, context)
        ingested = taken.ingested
        progress.status.part = taken.part
        progress.status.rows = RowCounts(
            read=ingested.read,
            accepted=ingested.accepted,
            rejected=ingested.rejected,
            new=0,
            duplicates=ingested.duplicates,
        )
    return taken


def train(
    taken: AddedUpload, context: JobContext, progress: JobProgress, lease: Lease
) -> Callable[[], None] | None:
    """Train a version on all rows, compare it with production, and promote it if it may be.

    A version of the same rows and settings is not trained again; it is compared now if it never
    was.

    Args:
        taken: The job's upload, added to the data set.
        context: The job's settings and ports.
        progress: Progress of the job.
        lease: Held lease; if it is lost, nothing is registered and no alias moved.

    Returns:
        A function that describes the version that was trained now; it needs no lease.
    """
    settings = context.settings
    with progress.stage(Stage.SNAPSHOT, "combining the data set"):
        lease.check()
        known = {record.job_id for record in context.dataset.uploads()}
        others = add_queued_uploads(context, known=known)
        if others:
            progress.note(f"{others} queued uploads are trained on as well")
        data = training_data(taken, context, progress, promoter_of(context, progress))
    version = find_trained(
        context.registry,
        dataset_id=data.snapshot.dataset_id,
        settings_id=settings.recipe().settings_id,
    )
    made = None
    if version is None:
        version, made = train_version(data.snapshot, data.rows, context, progress, lease)
    _record(version, progress)
    if version.tags.get(Tag.ROLLED_BACK):
        message = f"version {version.version} was rolled back from: {version.tags[Tag.ROLLED_BACK]}"
        progress.finish(State.SUCCEEDED, message)
        return None
    if Tag.VERDICT in version.tags and version.tags[Tag.VERDICT] != HELD:
        message = f"version {version.version} was already trained on exactly these rows"
        progress.finish(State.SUCCEEDED, message)
        return None
    _judge_and_act(version, data, context, progress, lease)
    if made is None:
        return None
    rows = (data.snapshot, data.rows)
    return partial(describe_version, version, made, *rows, context, progress)


def promoter_of(context: JobContext, progress: JobProgress) -> Promoter:
    """Return the promoter of a job; it alerts on each repair."""
    settings = context.settings

    def alert(repaired: Repair) -> None:
        context.alerts.send(alert_on_repair(repaired, settings.model_name))

    return Promoter(
        context.live,
        settings.model_name,
        f"training job {progress.status.job_id}",
        alert,
        progress.status.rollbacks_seen or 0,
    )


def _record(version: ModelVersion, progress: JobProgress) -> None:
    progress.status.run_id = version.run_id
    progress.status.model_version = version.version
    progress.status.metrics = {
        name.removeprefix(Tag.METRIC_PREFIX): float(value)
        for name, value in version.tags.items()
        if name.startswith(Tag.METRIC_PREFIX)
    }


def _judge_and_act(
    version: ModelVersion,
    data: TrainingData,
    context: JobContext,
    progress: JobProgress,
    lease: Lease,
) -> None:
    """Compare with production and act; compare again if production changed meanwhile."""
    status = progress.status
    promoter = promoter_of(context, progress)
    for attempt in range(1, _MOST_COMPARISONS + 1):
        with progress.stage(Stage.GATE, f"comparing version {version.version} with production"):
            model = download_registered(context.registry, version)
            champion = _champion_now(data, context, progress)
            judged = judge_version(
                version,
                model,
                data.rows,
                context.settings.gate_rules(),
                champion=champion,
                fair=lambda one: are_fair(one, data.snapshot, context.dataset, data.key),
            )
            verdict = with_shadow(judged, context.registry, context.shadow_report)
            status.verdict = verdict
        message = "promoting" if verdict.promote else "keeping production"
        try:
            with progress.stage(Stage.PROMOTE, message):
                lease.check()
                outcome = promoter.apply(
                    version,
                    verdict,
                    model,
                    champion=champion.version if champion else None,
                    parts=data.parts,
                    held=data.held or _held_before(status.part, context),
                )
            break
        except ChampionChangedError:
            if attempt == _MOST_COMPARISONS:
                raise
    _conclude(version, outcome, progress)


def _conclude(version: ModelVersion, outcome: Outcome, progress: JobProgress) -> None:
    verdict, status = outcome.verdict, progress.status
    status.verdict, status.held, status.promoted = verdict, outcome.held, verdict.promote
    if outcome.held:
        message = f"version {version.version} is registered, and held: {verdict.reason}"
        progress.finish(State.HELD, message)
        return
    place = "is in production" if verdict.promote else "is registered, and not promoted"
    progress.finish(State.SUCCEEDED, f"version {version.version} {place}: {verdict.reason}")


def _held_before(part: str | None, context: JobContext) -> Held | None:
    """Return why the job's own rows are held, if an earlier upload of the same rows was."""
    exclusion = context.live.exclusions.load().get(part or "")
    if exclusion is None or exclusion.state != "held":
        return None
    return Held(kind="data", reason=exclusion.why, jobs=[exclusion.job_id])


def _champion_now(
    data: TrainingData, context: JobContext, progress: JobProgress
) -> Champion | None:
    """Return the version in production; reuse the loaded one if it is still there."""
    holder = holder_of(context.registry, PRODUCTION)
    known = data.champion
    if holder and known and known.version.identity == holder.identity and known.model is not None:
        return known
    champion = champion_of(context.registry, context.dataset, data.records, data.key.id)
    return comparable(champion, context, data.key, progress)
