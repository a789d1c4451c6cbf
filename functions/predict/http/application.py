"""The application over the service's real parts, for any ASGI server: ``--factory``."""

import gc
from typing import TYPE_CHECKING

from fastapi import FastAPI

from predict.composition import Service, service
from predict.http.app import create_app

if TYPE_CHECKING:
    from predict.admin.model_changes import ModelChanges
    from predict.telemetry.account_metrics import AccountMetrics


def application(parts: Service | None = None) -> FastAPI:
    """Build the application, from the environment if no parts are given.

    ``uvicorn --factory predict.http.application:application`` serves it; bind loopback.
    """
    found = parts or service()

    def changes() -> "ModelChanges":
        from predict.aws_composition import model_changes  # noqa: PLC0415 - imports boto3

        def followed() -> None:
            found.models.recheck()
            if found.promotion:
                found.promotion.recheck()

        return model_changes(found.settings, followed)

    def metrics() -> "AccountMetrics":
        from predict.aws_composition import account_metrics  # noqa: PLC0415 - the same

        return account_metrics(found.settings)

    app = create_app(
        found.settings,
        found.models,
        found.telemetry,
        found.authenticator,
        changes,
        found.shadow,
        metrics,
        found.promotion,
    )
    # What is there now stays; a collector that looks through it again and again makes requests wait
    # for tens of milliseconds. See https://docs.python.org/3/library/gc.html#gc.freeze
    gc.freeze()
    return app
