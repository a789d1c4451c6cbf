"""What each route does."""

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from predict import telemetry
from predict.errors import ModelUnavailableError
from predict.model_card import Health, card, summary
from predict.request_body import read_block_group
from predict.schemas import predicted_price
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

    async def _served(self) -> ServedModel:
        if self._models.is_due():  # this may wait for the registry: not on the event loop
            served = await run_in_threadpool(self._models.current)
        else:
            served = self._models.current()
        telemetry.gauge_staleness(self._metrics, served)
        return served


def _answer(body: BaseModel, served: ServedModel | None = None) -> Response:
    headers = {}
    if served:
        headers["X-Model-Version"] = served.version.version
        if served.stale:
            headers["X-Model-Stale"] = "true"
    return Response(body.model_dump_json(), headers=headers, media_type="application/json")
