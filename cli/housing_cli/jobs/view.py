"""Show jobs: the stages of one, live; a table of many; the problems of a file."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from housing.jobs.report import Problem
from housing.jobs.results import Drift, Held, LiveFigures, ShadowFigures, Verdict
from housing.jobs.status import JobStatus, StageTime, State
from housing.schema import amount
from housing_cli.jobs.follow import Followed
from housing_cli.jobs.waiting_uploads import STATE, WaitingUpload, shown_time

_STYLES = {
    State.QUEUED: "yellow",
    State.RUNNING: "cyan",
    State.SUCCEEDED: "green",
    State.REJECTED: "red",
    State.FAILED: "red",
    State.HELD: "yellow",
}
_NAME_WIDTH = 12


def stage_line(time: StageTime, *, state: State) -> Text:
    """Return the line of a stage: a tick and its seconds, or a cross if the job ended in it."""
    if time.seconds is not None:
        return Text.assemble(("✓ ", "green"), f"{time.stage:<10}", f"{time.seconds:8.1f} s")
    if state in (State.REJECTED, State.FAILED):
        return Text.assemble(("✗ ", "red"), time.stage)
    return Text.assemble(("… ", "cyan"), time.stage)


def summary_lines(job: JobStatus) -> list[Text]:
    """Return the result of a job: version and metrics, or reason and next step."""
    facts = {
        "state": Text(job.state, style=_STYLES[job.state]),
        "reason": job.reason,
        "next": job.next_step,
        "message": job.message if job.verdict is None and job.reason is None else None,
        "rows": _rows(job),
        "drift": drift_text(job.drift),
        "production": live_text(job.live),
        "data source": job.data_source,
        "data set": _dataset(job),
        "version": job.model_version,
        "verdict": verdict_text(job.verdict),
        "shadow": shadow_text(job.verdict.shadow if job.verdict else None),
        "metrics": ", ".join(f"{name} {value:.4g}" for name, value in job.metrics.items()),
        "held": held_text(job.held),
        "promoted": None if job.promoted is None else ("yes" if job.promoted else "no"),
        "report": job.report_key,
    }
    known = {name: fact for name, fact in facts.items() if fact}
    return [Text.assemble((f"{name:<{_NAME_WIDTH}}", "dim"), fact) for name, fact in known.items()]


def job_lines(job: JobStatus) -> list[Text]:
    """Return a job with its stages and its result."""
    head = [
        Text(f"job {job.job_id}", style="bold"),
        Text.assemble(("file        ", "dim"), job.upload_key),
        Text.assemble(("created     ", "dim"), _moment(job)),
    ]
    stages = [stage_line(time, state=job.state) for time in job.stages]
    return [*head, *stages, *summary_lines(job)]


def jobs_table(jobs: Sequence[JobStatus], waiting: Sequence[WaitingUpload] = ()) -> Table:
    """Return a table of jobs, below the uploads without a job."""
    headings = ("time", "job", "file", "state", "stage", "version", "verdict", "reason")
    table = Table(*headings, box=None, pad_edge=False)
    for one in waiting:
        job_id, file = one.upload.job_id, one.upload.key.rsplit("/", 1)[-1]
        state = Text(STATE, style="yellow")
        at = shown_time(one.upload.uploaded_at)
        table.add_row(at, job_id, Text(file), state, "", "", "", one.note)
    for job in jobs:
        cells = (
            Text(_moment(job)),
            Text(job.job_id),
            Text(job.upload_key.rsplit("/", 1)[-1]),
            Text(job.state, style=_STYLES[job.state]),
            Text(job.stage),
            Text(job.model_version or ""),
            Text(_short_verdict(job)),
            Text(_short_reason(job)),
        )
        table.add_row(*cells)
    return table


def problem_lines(problems: Iterable[Problem]) -> list[Text]:
    """Return the problems of a file, one line each."""
    return [Text(f"  {problem.line()}") for problem in problems]


def verdict_text(verdict: Verdict | None) -> str | None:
    """Return the decision of the gate."""
    if verdict is None:
        return None
    decision = "promote" if verdict.promote else "keep the champion"
    return f"{decision}: {verdict.reason}; on {verdict.holdout_rows:,} held-out rows"


def drift_text(drift: Drift | None) -> Text | None:
    """Return the drift of the new rows, with a line for each column that drifts."""
    if drift is None:
        return None
    if drift.reason:
        return Text(f"not measured: {drift.reason}")
    rows = f"{drift.rows:,} new rows against {drift.reference_rows:,} before"
    count = f"{len(drift.warnings) or 'none'} of {len(drift.columns)} columns"
    indent = "\n" + " " * _NAME_WIDTH
    warnings = [(f"{indent}{warning}", "yellow") for warning in drift.warnings]
    return Text.assemble(f"{count}; {rows}", *warnings)


def live_text(live: LiveFigures | None) -> str | None:
    """Return the figures of the model in production on the new rows."""
    if live is None:
        return None
    if live.log_loss is not None:
        return f"version {live.version} on {live.rows:,} new rows: log loss {live.log_loss:.4f}"
    if live.rmse is None or live.coverage is None:
        return f"version {live.version} was not measured on the new rows: {live.reason}"
    return (
        f"version {live.version} on {live.rows:,} new rows: RMSE {live.rmse:.3f}, "
        f"{live.coverage:.1%} of the prices within its interval"
    )


def shadow_text(shadow: ShadowFigures | None) -> str | None:
    """Return the figures of the challenger on real requests."""
    if shadow is None:
        return None
    apart = ""
    if shadow.mean_difference is not None and shadow.worst_difference is not None:
        apart = (
            f"{shadow.mean_difference:.3f} from production's prices on average, "
            f"{shadow.worst_difference:.3f} at worst; "
        )
    return (
        f"version {shadow.version} on {shadow.requests:,} requests in {shadow.days} days: {apart}"
        f"{shadow.errors:,} errors, {shadow.timed_out:,} over time"
    )


def held_text(held: Held | None) -> Text | None:
    """Return the reason why a version is held, with a table of the places."""
    if held is None:
        return None
    stopped = [f"since {held.since.astimezone():%Y-%m-%d %H:%M}"] if held.since else []
    stopped += [f"by {held.who}"] if held.who else []
    head = f"{held.reason} ({', '.join(stopped)})" if stopped else held.reason
    return Text("\n").join([Text(head, style="yellow"), *map(Text, _places(held))])


def _places(held: Held) -> Iterator[str]:
    """Yield the lines of the table of places, indented like the values."""
    if not held.places:
        return
    headings = ("place", "rows", "side", "their price", "production's", "jobs")
    lines = [
        (
            place.where(),
            f"{place.rows:,} of {place.of_rows:,}",
            place.side,
            amount(place.upload_price),
            amount(place.production_price),
            ", ".join(place.jobs),
        )
        for place in held.places
    ]
    widths = [max(map(len, column)) for column in zip(headings, *lines, strict=True)]
    for line in (headings, *lines):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True))
        yield f"{' ' * _NAME_WIDTH}{cells.rstrip()}"


def _short_verdict(job: JobStatus) -> str:
    if job.held and not job.promoted:
        return "held"
    if job.promoted:
        return "promoted"
    return "" if job.verdict is None or job.promoted is None else "not promoted"


def _short_reason(job: JobStatus) -> str:
    if job.state == State.QUEUED and not job.reason:
        return job.message
    of_verdict = job.verdict.reason if job.verdict else ""
    return job.reason or (job.held.reason if job.held else of_verdict)


def _rows(job: JobStatus) -> str | None:
    if job.rows is None:
        return None
    rows = job.rows
    counts = f"{rows.read:,} read, {rows.accepted:,} good, {rows.rejected:,} bad, {rows.new:,} new"
    repeated = {"twice in the file": rows.duplicates, "known": rows.known, "revised": rows.revised}
    return ", ".join([counts, *(f"{count:,} {what}" for what, count in repeated.items() if count)])


def _dataset(job: JobStatus) -> str | None:
    if job.dataset_id is None:
        return None
    size = f", {job.dataset_rows:,} rows" if job.dataset_rows is not None else ""
    return f"{job.dataset_id}{size}"


def _moment(job: JobStatus) -> str:
    return shown_time(job.created_at)


def show_job(updates: Iterable[Followed], console: Console) -> JobStatus:
    """Show the updates of a job and return its last status.

    Args:
        updates: At least one; the last one is final.
        console: A terminal shows them live, a file gets a line for each stage.
    """
    return _show_live(updates, console) if console.is_terminal else _show_lines(updates, console)


def _show_lines(updates: Iterable[Followed], console: Console) -> JobStatus:
    shown: set[str] = set()
    for update in updates:
        if update.note:
            console.print(f"… {update.note}", soft_wrap=True)
        if update.job is None:
            continue
        job = update.job
        for time in job.stages:
            if (time.seconds is not None or job.state.is_final) and time.stage not in shown:
                shown.add(time.stage)
                console.print(stage_line(time, state=job.state), soft_wrap=True)
    return job


def _show_live(updates: Iterable[Followed], console: Console) -> JobStatus:
    spinner = Spinner("dots", Text("waiting for the job to start"))
    with Live(spinner, console=console, refresh_per_second=8) as live:
        for update in updates:
            if update.job is None:
                spinner.update(text=Text(update.note))
                live.update(spinner, refresh=True)
                continue
            job = update.job
            live.update(_stages(job, update.note, spinner), refresh=True)
    return job


def _stages(job: JobStatus, note: str, spinner: Spinner) -> RenderableType:
    ended = [time for time in job.stages if time.seconds is not None or job.state.is_final]
    lines: list[RenderableType] = [stage_line(time, state=job.state) for time in ended]
    if not job.state.is_final:
        spinner.update(text=Text(f"{job.stage}  {note or job.message}"))
        lines.append(spinner)
    return Group(*lines)
