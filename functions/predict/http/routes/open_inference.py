"""The Open Inference Protocol's routes about server and model; the scoring service infers.

They are not in the OpenAPI document: their own is the protocol's.
"""

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from predict.errors import ModelUnavailableError
from predict.http.asgi import starlette_response
from predict.model.loading import ServedModel
from predict.model.store import ModelStore
from predict.problems import of_predict_error
from predict.scoring import open_inference
from predict.scoring.service import model_headers

_SERVER = "housing"


def open_inference_routes(models: ModelStore, version: str) -> APIRouter:
    """Build the routes.

    Args:
        models: Hands out the model that is described.
        version: Version of the application.
    """
    router = APIRouter(include_in_schema=False)

    async def current(target: str) -> ServedModel:
        served = await run_in_threadpool(models.current)
        open_inference.check_model(open_inference.MODELS + target, served)
        return served

    @router.get("/v2")
    def server() -> Response:
        return JSONResponse({"name": _SERVER, "version": version, "extensions": []})

    @router.get("/v2/health/live")
    def live() -> Response:
        return JSONResponse({"live": True})

    @router.get("/v2/health/ready")
    async def ready(request: Request) -> Response:
        try:
            served = await run_in_threadpool(models.current)
        except ModelUnavailableError as exc:
            return starlette_response(of_predict_error(request.url.path, exc))
        return JSONResponse({"ready": True}, headers=model_headers(served))

    @router.get("/v2/models/{target:path}/ready")
    async def model_ready(target: str) -> Response:
        served = await current(target)
        body = {"name": served.version.name, "ready": True}
        return JSONResponse(body, headers=model_headers(served))

    @router.get("/v2/models/{target:path}")
    async def metadata(target: str) -> Response:
        served = await current(target)
        return JSONResponse(open_inference.metadata(served), headers=model_headers(served))

    return router
