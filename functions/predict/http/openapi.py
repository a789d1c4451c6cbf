"""The OpenAPI document; made at the first request for it.

It holds behind any prefix, such as API Gateway's stage: its servers' address is relative. The page
at ``/docs`` shows it: predict.http.routes.page.
"""

from functools import partial
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema
from starlette.responses import JSONResponse, Response

from housing.api_keys import Scope
from housing.schema import SUBJECT
from predict.access.auth import required_scope
from predict.http.problem_handlers import Problem, documented
from predict.http.schemas import Batch
from predict.problems import PROBLEM_JSON

DOCUMENT_URL = "/openapi.json"
_KEY = "apiKey"
_REFERENCE = "#/components/schemas/{model}"
_OF_THE_GATEWAY = {
    "application/json": {
        "schema": {
            "description": "API Gateway's own, of an endpoint that cannot be told another form",
            "type": "object",
            "required": ["message"],
            "properties": {"message": {"type": "string"}},
        }
    }
}
_DESCRIPTION = f"""
{SUBJECT.about or SUBJECT.title}, by the model that the registry calls `production`.

Every route but `/health` and `/ping` wants a key in the header `x-api-key`; routes that change what
is live want one with the scope `admin`. Errors are problems (RFC 9457). API Gateway answers 403
where a key is missing or unknown, and 429 above the usage plan's rate.
""".strip()


def describe(app: FastAPI) -> None:
    """Let an application serve this document."""
    app.description = _DESCRIPTION
    app.openapi = partial(_document, app)  # type: ignore[method-assign]  # FastAPI's own hook
    router = APIRouter(include_in_schema=False)

    @router.get(DOCUMENT_URL)
    def document() -> Response:
        return JSONResponse(app.openapi())

    app.include_router(router)


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is not None:
        return app.openapi_schema
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": ".", "description": "where this document was found"}],
    )
    components = document.setdefault("components", {})
    _, referred = models_json_schema(
        [(Batch, "validation"), (Problem, "serialization")], ref_template=_REFERENCE
    )
    components["schemas"] = dict(
        sorted({**components.get("schemas", {}), **referred["$defs"]}.items())
    )
    components["securitySchemes"] = {
        _KEY: {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }
    shared: dict[str, Any] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _guard(operation, required_scope(method.upper(), path))
            _share_problems(operation["responses"], shared)
    components["responses"] = dict(sorted(shared.items()))
    app.openapi_schema = document
    return document


def _guard(operation: dict[str, Any], scope: Scope | None) -> None:
    """Describe the key that an operation needs, and its problems without one."""
    operation["security"] = [] if scope is None else [{_KEY: [scope.value]}]
    if scope is not None:
        problems = {str(code): content for code, content in documented(401, 403, 429, 503).items()}
        problems["403"]["content"] = problems["403"]["content"] | _OF_THE_GATEWAY
        operation["responses"] = dict(sorted({**operation["responses"], **problems}.items()))


def _share_problems(responses: dict[str, Any], shared: dict[str, Any]) -> None:
    """Replace problems by references to one description of each status."""
    for status, content in responses.items():
        if PROBLEM_JSON in content.get("content", {}):
            name = f"Problem{status}"
            shared[name] = content
            responses[status] = {"$ref": f"#/components/responses/{name}"}
