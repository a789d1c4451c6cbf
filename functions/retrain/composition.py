"""Composition root: build the retrain function's service from its settings."""

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import boto3
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics
from botocore.config import Config

from housing.alerts.alert import AlertSink, LoggedAlerts, SnsAlerts
from housing.alerts.folded import FoldedAlerts
from housing.function_log import function_logger
from housing.jobs.restarts import RestartRules
from housing.jobs.status import JobStore
from housing.metrics.names import NAMESPACE
from retrain.launcher import JobLauncher
from retrain.launchers.batch import BatchJobLauncher
from retrain.launchers.local import LocalJobLauncher
from retrain.settings import RetrainSettings
from retrain.sweep.sweeper import Sweeper

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_SERVICE = "retrain"
# Three tries of at most 7 s stay below the function's time-out of 30 s.
_BOUNDED = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3, "mode": "standard"}
)
# Two of them, with what is written of a launch, stay below what a launch of the sweep may take.
_LAUNCHING = Config(
    connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"}
)


@dataclass(frozen=True, slots=True)
class Service:
    """The function's parts that its entry needs."""

    model_name: str
    jobs: JobStore
    launcher: JobLauncher
    rules: RestartRules
    sweeper: Sweeper
    alerts: AlertSink
    logger: Logger
    metrics: EphemeralMetrics


@cache
def service() -> Service:
    """Build the service from the environment, once for each process."""
    settings = RetrainSettings()
    s3 = boto3.client("s3", config=_BOUNDED)
    jobs, launcher, rules = (
        JobStore(s3, settings.bucket),
        _launcher(settings),
        settings.restart_rules(),
    )
    return Service(
        model_name=settings.model_name,
        jobs=jobs,
        launcher=launcher,
        rules=rules,
        sweeper=Sweeper(s3, settings.bucket, jobs, launcher, rules=rules),
        alerts=_alerts(settings, s3),
        logger=function_logger(_SERVICE),
        metrics=EphemeralMetrics(namespace=NAMESPACE, service=_SERVICE),
    )


def _alerts(settings: RetrainSettings, s3: "S3Client") -> AlertSink:
    if settings.alert_topic_arn is None:
        return LoggedAlerts()
    topic = SnsAlerts(boto3.client("sns", config=_BOUNDED), settings.alert_topic_arn)
    return FoldedAlerts(topic, s3, settings.bucket)


def _launcher(settings: RetrainSettings) -> JobLauncher:
    if settings.local_python and settings.local_jobs_dir and settings.job_launcher == "local":
        return LocalJobLauncher(
            settings.local_python,
            settings.local_jobs_dir,
            os.environ,
            timeout_seconds=settings.training_timeout_seconds,
        )
    return BatchJobLauncher(
        boto3.client("batch", config=_LAUNCHING),
        queue=settings.batch_job_queue or "",
        definition=settings.batch_job_definition or "",
    )
