"""Route of the registry's webhooks: an alias was moved, by the pipeline or past it."""

import json
import time
from collections.abc import Callable

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from predict.access.hook_signature import check_signature
from predict.admin.alias_audit import HOOK, AliasAudit
from predict.errors import MalformedBodyError
from predict.scoring.request_body import sized

HOOK_PATH = "/hooks/registry"


class Audited(BaseModel):
    """Result of the audit that a webhook caused."""

    recorded: int = Field(description="aliases that differed from the ledger, and are in it now")


def hook_routes(
    audit: Callable[[], AliasAudit],
    secret: Callable[[], str],
    model_name: str,
    clock: Callable[[], float] = time.time,
) -> APIRouter:
    """Build the route.

    Nothing is believed that the body says but the model's name: aliases are read from the registry.

    Args:
        audit: Returns the use case; called when it is needed.
        secret: Returns the secret that the MLflow server signs with.
        model_name: Webhooks of other models cause no audit.
        clock: Returns seconds since 1970.
    """
    router = APIRouter(include_in_schema=False)  # MLflow asks it, and no client

    @router.post(HOOK_PATH)
    async def registry(request: Request) -> Audited:
        body = sized(await request.body())
        return await run_in_threadpool(_audited, dict(request.headers), body)

    def _audited(headers: dict[str, str], body: bytes) -> Audited:
        check_signature(headers, body, secret(), now=clock())
        if _model_of(body) != model_name:
            return Audited(recorded=0)
        return Audited(recorded=len(audit().run(who=HOOK)))

    return router


def _model_of(body: bytes) -> object:
    try:
        return json.loads(body)["data"].get("name")
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        msg = "the body is not one of MLflow's webhooks"
        raise MalformedBodyError(msg) from exc
