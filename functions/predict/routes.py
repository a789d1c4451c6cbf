"""What each route does."""

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from predict import batch_answers, telemetry
from predict.block_groups import Matrix
from predict.errors import ModelUnavailableError, TooLargeError
from predict.model_card import Health, card, summary
from predict.predictor import PredictedColumns
from predict.request_body import (
    CSV,
    JSON,
    MAX_BODY_BYTES,
    read_batch,
    read_block_group,
    read_invocation,
)
from predict.schemas import predicted_price
from predict.scoring_protocol import PROTOCOL_VERSION
from predict.served_model import ModelStore, ServedModel
from predict.settings import PredictSettings


class Endpoints:
    """The routes' functions, over one model store."""

    def __init__(
        self, settings: PredictSettings, models: ModelStore, metrics: telemetry.MetricSink
    ) -> None:
        """Use a model store and a metric sink."""
        self._settings = settings
        self._models = models
        self._metrics = metrics

    async def predict(self, request: Request) -> Response:
        """Predict the median house value of one block group, with its 90 % interval."""
        with telemetry.measured(self._metrics) as stopwatch:
            features = await read_block_group(request)
            served = await self._served()
            prediction = served.predictor.predict([list(features.values())])[0]
            answer = predicted_price(features, prediction, served)
            telemetry.count_rows(self._metrics, 1)
            telemetry.log_prediction(
                features, prediction, served, latency_ms=stopwatch.milliseconds()
            )
        return _answer(answer, served)

    async def predict_batch(self, request: Request) -> Response:
        """Predict many block groups: JSON in and out, or CSV in and out."""
        with telemetry.measured(self._metrics) as stopwatch:
            features, media_type = await read_batch(request, self._settings.max_batch_rows)
            served = await self._served()
            predicted = self._predict_columns(features, served, stopwatch)
            if media_type == CSV:
                return _sized(batch_answers.as_csv(predicted), served, CSV)
            return _sized(batch_answers.as_json(features, predicted, served), served, JSON)

    async def invocations(self, request: Request) -> Response:
        """Predict as MLflow's scoring server does: its forms in, its answer out."""
        with telemetry.measured(self._metrics) as stopwatch:
            features = await read_invocation(request, self._settings.max_batch_rows)
            served = await self._served()
            predicted = self._predict_columns(features, served, stopwatch)
            return _sized(batch_answers.as_mlflow(predicted), served, JSON)

    async def version(self) -> Response:
        """Name the version of MLflow's scoring protocol that is spoken; no model is needed."""
        return Response(PROTOCOL_VERSION, media_type="text/plain")

    async def health(self) -> Response:
        """Say which model answers and whether it is what the registry names; always 200."""
        stage = self._settings.stage
        try:
            served = await self._served()
        except ModelUnavailableError as exc:
            found = Health(status="no_model", stage=stage, model=None, stale=False, reason=str(exc))
            return _answer(found)
        found = Health(
            status="degraded" if served.stale else "ok",
            stage=stage,
            model=summary(served, self._settings.model_alias),
            stale=served.stale,
            reason=served.reason,
        )
        return _answer(found, served)

    async def model(self) -> Response:
        """Return the card of the model that answers."""
        served = await self._served()
        return _answer(card(served, self._settings.model_alias), served)

    async def ping(self) -> Response:
        """Answer that the process is alive; no model is needed."""
        return Response('{"status":"ok"}', media_type="application/json")

    def _predict_columns(
        self, features: Matrix, served: ServedModel, stopwatch: telemetry.Stopwatch
    ) -> PredictedColumns:
        predicted = served.predictor.predict_columns(features)
        telemetry.count_rows(self._metrics, len(features))
        telemetry.log_batch(predicted, served, latency_ms=stopwatch.milliseconds())
        return predicted

    async def _served(self) -> ServedModel:
        if self._models.is_due():  # this may wait for the registry: not on the event loop
            served = await run_in_threadpool(self._models.current)
        else:
            served = self._models.current()
        telemetry.gauge_staleness(self._metrics, served)
        return served


def _answer(body: BaseModel, served: ServedModel | None = None) -> Response:
    return Response(body.model_dump_json(), headers=_headers(served), media_type=JSON)


def _sized(content: bytes, served: ServedModel, media_type: str) -> Response:
    """Answer, unless Lambda could not carry it: there, quotes and line ends are escaped."""
    if len(content) + content.count(b'"') + content.count(b"\n") > MAX_BODY_BYTES:
        msg = f"the answer would be over {MAX_BODY_BYTES} bytes; send fewer rows at once"
        raise TooLargeError(msg)
    return Response(content, headers=_headers(served), media_type=media_type)


def _headers(served: ServedModel | None) -> dict[str, str]:
    if served is None:
        return {}
    stale = {"X-Model-Stale": "true"} if served.stale else {}
    return {"X-Model-Version": served.version.version} | stale
