"""The output of ``make run``, ``make monitoring``, ``make status`` and ``make logs``."""

import os
import sys
import webbrowser
from datetime import UTC, datetime

import psutil
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from housing.s3.layout import NEW_DATA
from housing.schema import SUBJECT, TARGET
from housing.tree_library import Trees
from housing_cli.commands.pages import model_page
from housing_cli.commands.predict import example_option
from housing_cli.jobs.waiting_uploads import waiting_uploads
from local_stack.deploy import environment_file
from local_stack.deploy.deployment import Deployment, client, read_variables
from local_stack.first_model import Prediction, production_version
from local_stack.monitoring import configuration, health
from local_stack.services import supervisor, training_jobs
from local_stack.services.catalogue import MONITORING_NAMES, SERVICE_NAMES
from local_stack.settings import LOOPBACK, StackSettings

_FUNCTIONS = ("predict", "admin", "retrain", "notify")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")
_TREES = {
    Trees.LIBRARY: "the library in native/trees",
    Trees.ONNX_RUNTIME: "ONNX Runtime; make trees builds faster ones, for the next make run",
}


def welcome(
    console: Console, settings: StackSettings, deployment: Deployment, prediction: Prediction
) -> None:
    """Print a real prediction, the URLs, the keys and commands to try next."""
    housing = environment_file.shown(environment_file.command(settings))
    noun = SUBJECT.answer or f"a prediction of {TARGET.name}"
    lines = [
        "",
        f"{noun[0].upper()}{noun[1:]} through API Gateway: {prediction.text.value}",
        f"  {prediction.text.certainty}",
        f"  model version {prediction.model_version}, trained on data: {prediction.data_source}",
        f"  trees of {_TREES[prediction.trees]}",
        "",
        f"  API      {settings.api_url}   (its description: /docs)",
        f"  MLflow   {_model_page(settings, prediction.model_version)}",
        f"  AWS      {settings.aws_url}   bucket {deployment.bucket}",
        f"  keys     predict {deployment.predict_key}   admin {deployment.admin_key}",
        f"  shell    set -a; . {environment_file.shown(settings.state_dir / 'env')}",
        "",
        "Try next:",
        f"  curl -s {settings.api_url}/health",
        f"  {housing} predict {example_option()}",
        f"  {housing} data generate --seed 7 --out more.csv && {housing} upload more.csv --wait",
        "",
        f"The page, which asks for a key: {settings.api_url}/",
    ]
    console.print(Text("\n".join(lines)))


def open_page(settings: StackSettings) -> bool:
    """Open the page in a browser where a person sits at a desktop; return whether it opened."""
    has_desktop = sys.platform == "darwin" or any(map(os.environ.get, _DISPLAYS))
    if not (settings.open_page and has_desktop and sys.stdout.isatty()):
        return False
    return webbrowser.open(f"{settings.api_url}/")


def _model_page(settings: StackSettings, version: str) -> str:
    return model_page(settings.mlflow_url, settings.model_name, version)


def monitoring(console: Console, settings: StackSettings) -> None:
    """Print where the monitoring shows its metrics and alerts, and which secrets it lacks."""
    lines = [
        "",
        f"  alerts        {health.alerts_page(settings)}",
        f"  sent alerts   {health.alerts_command(settings)}",
        f"  metrics       http://{LOOPBACK}:{settings.yace_port}/metrics",
        "",
    ]
    if missing := configuration.missing_secrets():
        folder = environment_file.shown(configuration.SOURCES / "alertmanager" / "secrets")
        lines += [f"Alerts are not sent: {folder} lacks {' and '.join(missing)}."]
    lines += [
        "Prometheus shows a request within five minutes. make stop stops the monitoring, too."
    ]
    console.print(Text("\n".join(lines)))


def status(console: Console, settings: StackSettings) -> bool:
    """Print the services; return whether all of the stack works.

    The monitoring is of the stack from ``make monitoring`` to ``make stop``.
    """
    table = Table("service", "state", "pid", "memory", "since", box=None, pad_edge=False)
    names = [name for name in SERVICE_NAMES if name != "aws" or not settings.aws_endpoint]
    running = {name: supervisor.running(settings, name) for name in reversed(names)}
    for name, process in running.items():
        table.add_row(name, *_row(process))
    faults: dict[str, str] = {}
    if health.was_started(settings):
        faults = health.faults(settings)
        for name in reversed(MONITORING_NAMES):
            running[name] = supervisor.running(settings, name)
            state, *rest = _row(running[name])
            table.add_row(name, "faulty" if name in faults else state, *rest)
    for job_id, process in training_jobs.running(settings.jobs_dir):
        table.add_row(f"job {job_id}", *_row(process))
    for job_id in training_jobs.waiting(settings.jobs_dir):
        table.add_row(f"job {job_id}", "queued")
    console.print(table)
    for name, fault in faults.items():
        console.print(Text(f"{name} {fault}"))
    if running.get("prometheus") and (alerts := health.firing(settings)):
        console.print(Text(f"alerts: {', '.join(alerts)}   ({health.alerts_page(settings)})"))
    if settings.aws_endpoint or running["aws"]:
        _show_waiting_uploads(console, settings)
    if running["mlflow"]:
        live = production_version(settings)
        console.print(Text(f"production: version {live.version}" if live else "no model yet"))
    return all(running.values()) and not faults


def logs(console: Console, settings: StackSettings, lines: int) -> None:
    """Print the last lines of each service, job and function."""
    names = [*reversed(SERVICE_NAMES), *reversed(MONITORING_NAMES)]
    files = [supervisor.log_path(settings, name) for name in names]
    files += sorted(settings.jobs_dir.glob("*.log"), key=lambda path: path.stat().st_mtime)[-3:]
    for path in files:
        if path.exists():
            _section(console, environment_file.shown(path))
            text = path.read_text(errors="replace").splitlines()[-lines:]
            console.print(Text("\n".join(text)))
    if settings.aws_endpoint or supervisor.running(settings, "aws"):
        for function in _FUNCTIONS:
            _section(console, f"function {function}")
            console.print(Text("\n".join(_function_log(settings, function)[-lines:])))


def _show_waiting_uploads(console: Console, settings: StackSettings) -> None:
    bucket = read_variables(settings.state_dir / "env").get("HOUSING_BUCKET")
    if bucket is None:
        return
    try:
        waiting = waiting_uploads(client(settings, "s3"), bucket, now=datetime.now(UTC))
    except (BotoCoreError, ClientError) as exc:
        console.print(Text(f"cannot list the uploads without a job: {exc}"))
        return
    for one in waiting:
        name = one.upload.key.removeprefix(NEW_DATA)
        console.print(Text(f"upload {name} has no job yet: {one.note}"))


def _row(process: psutil.Process | None) -> tuple[str, str, str, str]:
    if process is None:
        return "down", "", "", ""
    family = [process, *process.children(recursive=True)]
    memory = sum(member.memory_info().rss for member in family) / 1e6
    since = datetime.fromtimestamp(process.create_time(), UTC)
    return "up", str(process.pid), f"{memory:.0f} MB", f"{since:%Y-%m-%d %H:%M:%S} UTC"


def _function_log(settings: StackSettings, function: str) -> list[str]:
    group = f"/aws/lambda/{settings.stack_name}-{function}"
    logs = client(settings, "logs")
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ["no log: the function is not deployed, or was never called"]
    except (BotoCoreError, ClientError) as exc:
        return [f"no log: {exc}"]
    return [event["message"].rstrip() for event in events]


def _section(console: Console, title: str) -> None:
    console.print(Text(f"\n── {title}", style="bold"))
