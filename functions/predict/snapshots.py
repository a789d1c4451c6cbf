"""Lambda SnapStart: everything is loaded before the snapshot, and checked again after a restore.

A snapshot may be days old when a sandbox is made of it: the model in it may have been replaced, its
connections are gone. Hooks: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-runtime-hooks-python.html
"""

import logging

from predict.composition import Service
from predict.errors import ModelUnavailableError

_LOG = logging.getLogger(__name__)


def prepare(parts: Service) -> None:
    """Load the model, if there is one, and leave no connection open."""
    try:
        version = parts.models.current().version.version
    except ModelUnavailableError as exc:  # a version can be published before there is a model
        _LOG.warning("snapshot_without_model", extra={"reason": str(exc)})
    else:
        _LOG.info("snapshot_with_model", extra={"model_version": version})
    if parts.shadow:
        parts.shadow.prepare()
    parts.close_connections()


def renew(parts: Service) -> None:
    """Have the next request ask which model is live, and count as a cold one."""
    parts.models.recheck()
    if parts.shadow:
        parts.shadow.recheck()
    if parts.promotion:
        parts.promotion.recheck()
    parts.telemetry.restored()
