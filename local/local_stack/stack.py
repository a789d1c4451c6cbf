"""The stack as a whole: up, down, forgotten."""

import contextlib
import fcntl
import shutil
import signal
from collections.abc import Iterator

from housing_ops.progress import Progress
from local_stack import first_model
from local_stack.deploy import environment_file, sam_environment
from local_stack.deploy.deployment import Deployment, deploy
from local_stack.errors import StackError
from local_stack.first_model import Prediction
from local_stack.services import service as services
from local_stack.services import training_jobs
from local_stack.services.service import MONITORING_NAMES, SERVICE_NAMES, Service, metrics_bridge
from local_stack.settings import StackSettings


def up(settings: StackSettings, progress: Progress) -> tuple[Deployment, Prediction]:
    """Bring the stack up, repair what is broken of it, and prove it with a prediction.

    An interrupt ends what this call had started.
    """
    started: list[str] = []
    with only_one(settings):
        try:
            return _up(settings, progress, started)
        except KeyboardInterrupt:
            with _deaf():
                _abandon(settings, progress, started)
            raise


def _up(
    settings: StackSettings, progress: Progress, started: list[str]
) -> tuple[Deployment, Prediction]:
    aws = None if settings.aws_endpoint else services.aws_endpoint(settings)
    mlflow = services.mlflow_server(settings)
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
    door = services.front_door(settings, deployment.api_gateway_url)
    bridge = metrics_bridge(settings)
    for service in (door, bridge):
        _ensure(settings, service, started)
    for service in (mlflow, door, bridge):
        _await(settings, progress, service)
    return deployment, _model(settings, deployment, progress)


def _model(settings: StackSettings, deployment: Deployment, progress: Progress) -> Prediction:
    live = first_model.production_version(settings)
    if live is None:
        with progress.step("first model") as step:
            job = first_model.train_first(settings, deployment, step.say)
            rmse = job.metrics.get("rmse")
            step.note = f"version {job.model_version}, data {job.data_source}, RMSE {rmse:.3f}"
        wanted = job.model_version
    else:
        wanted = live.version
    with progress.step("prediction through API Gateway") as step:
        prediction = first_model.predict(settings, deployment, version=wanted)
        step.note = f"by version {prediction.model_version}"
    return prediction


def _ensure(settings: StackSettings, service: Service, started: list[str]) -> None:
    started.append(service.name)
    if not services.ensure(settings, service):
        started.remove(service.name)


def _make_durable(settings: StackSettings, aws: Service, started: list[str]) -> None:
    """Start the AWS endpoint anew: it writes what is deployed down only when it ends.

    Killed before that, it would come back with the bucket and without the stack that owns it, and
    CloudFormation refuses to create a bucket that exists.
    """
    services.stop(settings, aws.name)
    _ensure(settings, aws, started)
    services.await_healthy(settings, aws)


def _await(settings: StackSettings, progress: Progress, service: Service) -> None:
    with progress.step(service.title) as step:
        services.await_healthy(settings, service)
        step.note = service.where


def down(settings: StackSettings, progress: Progress) -> list[str]:
    """End the stack's programs; return the names of those that ran. What they keep stays."""
    ended = _end_jobs(settings, progress)
    for name in (*MONITORING_NAMES, *SERVICE_NAMES):
        if services.running(settings, name) is None:
            services.stop(settings, name)  # forgets a program that was killed
            continue
        with progress.step(f"ending {name}"):
            services.stop(settings, name)
        ended.append(name)
    # A function may have started another one before its endpoint was ended.
    return ended + _end_jobs(settings, progress)


def forget(settings: StackSettings, progress: Progress) -> list[str]:
    """End the stack and delete all that it kept."""
    ended = down(settings, progress)
    if settings.state_dir.exists():
        with progress.step("deleting what it kept"):
            shutil.rmtree(settings.state_dir)
    return ended


def _end_jobs(settings: StackSettings, progress: Progress) -> list[str]:
    at_work = [job_id for job_id, _ in training_jobs.running(settings.jobs_dir)]
    if not at_work:
        return [f"job {job_id}" for job_id in training_jobs.stop_all(settings.jobs_dir)]
    with progress.step(f"ending training job {', '.join(at_work)}") as step:
        ended = training_jobs.stop_all(settings.jobs_dir)
        waiting = training_jobs.waiting(settings.jobs_dir)
        step.note = f"{len(waiting)} more wait" if waiting else ""
    return [f"job {job_id}" for job_id in ended]


def _abandon(settings: StackSettings, progress: Progress, started: list[str]) -> None:
    progress.say("\ninterrupted; ending what was started …")
    if "aws" in started or settings.aws_endpoint:
        training_jobs.stop_all(settings.jobs_dir)
    for name in SERVICE_NAMES:
        if name in started:
            services.stop(settings, name)


@contextlib.contextmanager
def only_one(settings: StackSettings) -> Iterator[None]:
    """Keep two commands from changing the same stack at once.

    Raises:
        StackError: Another one is at it.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    with (settings.state_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            msg = "another make run or make stop is at work on this stack; wait for it to end"
            raise StackError(msg) from exc
        yield


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let the cleaning up after an interrupt not be interrupted."""
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    yield
