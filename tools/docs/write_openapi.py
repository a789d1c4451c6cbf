"""Print the API's OpenAPI document, ``docs/openapi.json``; ``make openapi``."""

import json

from predict.access.auth import OpenAccess
from predict.admin.model_changes import ModelChanges
from predict.aws_composition import Operations
from predict.errors import ModelUnavailableError
from predict.http.app import create_app
from predict.model.loading import ServedModel
from predict.settings import PredictSettings
from predict.telemetry.account_metrics import AccountMetrics
from predict.telemetry.telemetry import Telemetry


class _NoModels:
    """The ``ModelStore`` of an application that answers nothing."""

    def is_due(self) -> bool:
        return False

    def recheck(self) -> None: ...

    def current(self) -> ServedModel:
        msg = "this application is only described"
        raise ModelUnavailableError(msg, retry_after_seconds=1)


def _no_changes() -> ModelChanges:
    raise NotImplementedError


def _no_metrics() -> AccountMetrics:
    raise NotImplementedError


def _no_operations() -> Operations:
    raise NotImplementedError


def document() -> str:
    """Return the document as JSON."""
    settings = PredictSettings(auth="off", tracking_uri="http://mlflow.invalid")
    app = create_app(
        settings,
        _NoModels(),
        Telemetry(),
        OpenAccess(),
        _no_changes,
        metrics=_no_metrics,
        operations=_no_operations,
    )
    return json.dumps(app.openapi(), indent=1, ensure_ascii=False)


if __name__ == "__main__":
    print(document())
