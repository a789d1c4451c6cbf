"""The stack as a whole: start, stop, delete."""

import contextlib
import fcntl
import shutil
import signal
from collections.abc import Iterator

from housing.schema import ERROR
from housing_ops.progress import Progress
from local_stack import first_model
from local_stack.deploy import environment_file, sam_environment
from local_stack.deploy.deployment import Deployment, deploy
from local_stack.errors import StackError
from local_stack.first_model import Prediction
from local_stack.services import catalogue, supervisor, training_jobs
from local_stack.services.catalogue import MONITORING_NAMES, SERVICE_NAMES, Service
from local_stack.settings import StackSettings

_ERRORS = {"rmse": "RMSE", "log_loss": "log loss"}


def up(settings: StackSettings, progress: Progress) -> tuple[Deployment, Prediction]:
    """Start or repair the stack, and test it with a prediction.

    An interrupt stops what this call started.
    """
    started: list[str] = []
    environment_file.check_subject(settings)
    with only_one(settings):
        try:
            return _up(settings, progress, started)
        except KeyboardInterrupt:
            with _uninterrupted():
                _stop_started(settings, progress, started)
            raise


def _up(
    settings: StackSettings, progress: Progress, started: list[str]
) -> tuple[Deployment, Prediction]:
    aws = None if settings.aws_endpoint else catalogue.aws_endpoint(settings)
    mlflow = catalogue.mlflow_server(settings)
    for service in (aws, mlflow):  # side by side: the second is slow
        if service:
            _ensure(settings, service, started)
    if aws:
        _await(settings, progress, aws)
    with progress.step("CloudFormation stack") as step:
        deployment = deploy(settings)
        if deployment.changed and aws:
            _make_durable(settings, aws, started)
        step.note = f"{settings.stack_name} {'deployed' if deployment.changed else 'unchanged'}"
    environment_file.write(settings, deployment, sam_environment.content(settings))
    proxy = catalogue.api_proxy(settings, deployment.api_gateway_url)
    bridge = catalogue.metrics_bridge(settings)
    for service in (proxy, bridge):
        _ensure(settings, service, started)
    for service in (mlflow, proxy, bridge):
        _await(settings, progress, service)
    return deployment, _model(settings, deployment, progress)


def _model(settings: StackSettings, deployment: Deployment, progress: Progress) -> Prediction:
    live = first_model.production_version(settings)
    if live is None:
        with progress.step("first model") as step:
            job = first_model.train_first(settings, deployment, step.say)
            error = f"{_ERRORS[ERROR]} {job.metrics[ERROR]:.3f}"
            step.note = f"version {job.model_version}, data {job.data_source}, {error}"
        wanted = job.model_version
    else:
        wanted = live.version
    with progress.step("prediction through API Gateway") as step:
        prediction = first_model.predict(settings, deployment, version=wanted)
        step.note = f"by version {prediction.model_version}"
    return prediction


def _ensure(settings: StackSettings, service: Service, started: list[str]) -> None:
    started.append(service.name)
    if not supervisor.ensure(settings, service):
        started.remove(service.name)


def _make_durable(settings: StackSettings, aws: Service, started: list[str]) -> None:
    """Restart the AWS endpoint: it saves its state only when it ends.

    Killed before that, it would start with the bucket and without the stack that owns it, and
    CloudFormation refuses to create an existing bucket.
    """
    supervisor.stop(settings, aws.name)
    _ensure(settings, aws, started)
    supervisor.await_healthy(settings, aws)


def _await(settings: StackSettings, progress: Progress, service: Service) -> None:
    with progress.step(service.title) as step:
        supervisor.await_healthy(settings, service)
        step.note = service.where


def down(settings: StackSettings, progress: Progress) -> list[str]:
    """Stop the stack's programs; return the names of those that ran. Their data remains."""
    stopped = _stop_jobs(settings, progress)
    for name in (*MONITORING_NAMES, *SERVICE_NAMES):
        if supervisor.running(settings, name) is None:
            supervisor.stop(settings, name)  # deletes the record of a killed program
            continue
        with progress.step(f"stopping {name}"):
            supervisor.stop(settings, name)
        stopped.append(name)
    # A function may have started another job before its endpoint stopped.
    return stopped + _stop_jobs(settings, progress)


def delete(settings: StackSettings, progress: Progress) -> list[str]:
    """Stop the stack and delete its data; return the names of the programs that ran."""
    stopped = down(settings, progress)
    if settings.state_dir.exists():
        with progress.step("deleting its data"):
            shutil.rmtree(settings.state_dir)
    return stopped


def _stop_jobs(settings: StackSettings, progress: Progress) -> list[str]:
    running = [job_id for job_id, _ in training_jobs.running(settings.jobs_dir)]
    if not running:
        return [f"job {job_id}" for job_id in training_jobs.stop_all(settings.jobs_dir)]
    with progress.step(f"stopping training job {', '.join(running)}") as step:
        stopped = training_jobs.stop_all(settings.jobs_dir)
        waiting = training_jobs.waiting(settings.jobs_dir)
        step.note = f"{len(waiting)} more wait" if waiting else ""
    return [f"job {job_id}" for job_id in stopped]


def _stop_started(settings: StackSettings, progress: Progress, started: list[str]) -> None:
    progress.say("\ninterrupted; stopping the programs that were started …")
    if "aws" in started or settings.aws_endpoint:
        training_jobs.stop_all(settings.jobs_dir)
    for name in SERVICE_NAMES:
        if name in started:
            supervisor.stop(settings, name)


@contextlib.contextmanager
def only_one(settings: StackSettings) -> Iterator[None]:
    """Lock the stack against other commands.

    Raises:
        StackError: Another command has the lock.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            msg = "another make run or make stop is running on this stack; wait until it ends"
            raise StackError(msg) from exc
        yield


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore interrupts during the cleanup after one."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    yield
