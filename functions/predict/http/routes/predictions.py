"""The scoring routes in FastAPI: for the OpenAPI document, and for wrong methods."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel

from housing.schema import FEATURE_NAMES, FEATURES, SUBJECT, TARGET
from predict.http.asgi import request_of, starlette_response
from predict.http.problem_handlers import documented
from predict.http.schemas import (
    Batch,
    BatchPrediction,
    MlflowPredictions,
    Predicted,
    Row,
)
from predict.scoring.request_body import CSV, JSON, JSON_LINES
from predict.scoring.service import ScoringService

_VERB = SUBJECT.api.verb.capitalize()
_WHAT = TARGET.description.partition(",")[0]
_ANSWER = (
    f"The probability and the label of {TARGET.name}"
    if SUBJECT.task == "classification"
    else f"The {_WHAT[:1].lower()}{_WHAT[1:] or TARGET.name}, with its 90 % interval"
)
EXAMPLE_ROW: dict[str, Any] = {column.name: column.shown_example for column in FEATURES}
EXAMPLE_CSV = "\n".join([",".join(FEATURE_NAMES), ",".join(map(str, EXAMPLE_ROW.values())), ""])
_CSV_SCHEMA = {"type": "string", "description": "one header line, then one line for each row"}
_CSV_ROWS_SCHEMA = {"type": "string", "description": "a line for each row, no header"}
_JSON_LINES_SCHEMA = {"type": "string", "description": "a JSON object for each row, on a line"}
_MODEL_HEADERS = {
    "X-Model-Version": {"description": "version that answers", "schema": {"type": "string"}},
    "X-Model-Stale": {
        "description": "there, and `true`, when the model may not be what the registry names now",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_PROBLEMS = (400, 413, 415, 422, 500, 503)


def scoring_routes(scoring: ScoringService) -> APIRouter:
    """Build the routes; the scoring service answers them."""

    async def respond(request: Request) -> Response:
        return starlette_response(scoring.respond(request_of(request.scope, await request.body())))

    router = APIRouter(tags=["predictions"])

    def route(  # noqa: PLR0913 - parts of the description, given by name
        path: str,
        name: str,
        text: str,
        *,
        answer: type[BaseModel],
        body: dict[str, Any],
        statuses: tuple[int, ...] = _PROBLEMS,
        other_answers: Sequence[tuple[str, dict[str, Any]]] = (),
    ) -> None:
        summary, _, description = text.partition("\n")
        success: dict[str, Any] = {"headers": _MODEL_HEADERS}
        if other_answers:
            success["content"] = {kind: {"schema": schema} for kind, schema in other_answers}
        router.add_api_route(
            path,
            respond,
            name=name,
            methods=["POST"],
            summary=summary,
            description=description,
            response_model=answer,
            responses={200: success, **documented(*statuses)},
            openapi_extra={"requestBody": {"required": True, "content": body}},
        )

    route(
        "/predict",
        "predict",
        f"{_VERB} one {SUBJECT.row}\n{_ANSWER}.",
        answer=Predicted,
        body={JSON: _content(_ref(Row), {f"one {SUBJECT.row}": EXAMPLE_ROW})},
    )
    route(
        "/predict/batch",
        "predict_batch",
        f"{_VERB} many {SUBJECT.row}s\n"
        "JSON in and out, or CSV in and out, in the order of the request.",
        answer=BatchPrediction,
        other_answers=[(CSV, _CSV_SCHEMA)],
        body={
            JSON: _content(_ref(Batch), {"two": {"instances": [EXAMPLE_ROW, EXAMPLE_ROW]}}),
            CSV: _content(_CSV_SCHEMA, {"one row": EXAMPLE_CSV}),
        },
    )
    route(
        "/invocations",
        "invocations",
        f"{_VERB} {SUBJECT.row}s in MLflow's scoring protocol\n"
        "Exactly one of the four names is given.",
        answer=MlflowPredictions,
        other_answers=[(CSV, _CSV_ROWS_SCHEMA), (JSON_LINES, _JSON_LINES_SCHEMA)],
        statuses=(400, 413, 415, 500, 503),
        body={
            JSON: _content(_INVOCATION, _INVOCATIONS),
            CSV: _content(_CSV_SCHEMA, {"one row": EXAMPLE_CSV}),
        },
    )
    return router


_LIST = list(EXAMPLE_ROW.values())
_INVOCATIONS: dict[str, Any] = {
    "dataframe_split": {"dataframe_split": {"columns": list(FEATURE_NAMES), "data": [_LIST]}},
    "dataframe_records": {"dataframe_records": [EXAMPLE_ROW]},
    "instances": {"instances": [EXAMPLE_ROW]},
    "inputs": {"inputs": {name: [value] for name, value in EXAMPLE_ROW.items()}},
}
_INVOCATION = {
    "type": "object",
    "properties": {
        "dataframe_split": {"type": "object", "required": ["columns", "data"]},
        "dataframe_records": {"type": "array", "items": {"type": "object"}},
        "instances": {"description": "a list of rows, or an object of columns"},
        "inputs": {"description": "an object of columns, or a list of rows"},
        "params": {"description": "read and left alone, as the model takes none"},
    },
    "oneOf": [{"required": [name]} for name in _INVOCATIONS],
}


def _content(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": schema,
        "examples": {name: {"value": value} for name, value in examples.items()},
    }


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
