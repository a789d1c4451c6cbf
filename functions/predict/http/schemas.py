"""Pydantic models of the scoring routes, derived from the schema of the data."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from housing.onnx_session import NEAREST_KM, OUTPUTS
from housing.schema import (
    FEATURES,
    GEOGRAPHY,
    INTERVAL_COVERAGE,
    SCALED,
    SUBJECT,
    TARGET,
    in_unit,
)
from housing.subject import Column


def _field(column: Column) -> tuple[Any, Any]:
    if column.kind in {"boolean", "category"}:
        kind: Any = bool
        if column.kind == "category":
            kind = str if column.unknown == "other" else Literal[column.categories]
        about = Field(description=column.description, examples=[column.shown_example])
        return _maybe_missing(Annotated[kind, about], column)
    limits = Field(
        strict=True,  # neither "3.5" nor true is a number; 3 is
        allow_inf_nan=False,
        ge=column.minimum,
        le=column.maximum,
        description=", in ".join(filter(None, (column.description, column.unit))),
        examples=[column.example],
    )
    kind = int if column.kind == "integer" else float
    return _maybe_missing(Annotated[kind, limits], column)


def _maybe_missing(kind: Any, column: Column) -> tuple[Any, Any]:
    return (kind | None, None) if column.optional else (kind, ...)


_FIELDS: dict[str, Any] = {column.name: _field(column) for column in FEATURES}

_WORDS = SUBJECT.api
_ROWS = f"{SUBJECT.row}s"
_DONE = f"{_WORDS.verb}{'d' if _WORDS.verb.endswith('e') else 'ed'}"
_NOUN = _WORDS.noun.title()
_ABOUT_ROW = _WORDS.about_row or f"One {SUBJECT.row}: all {len(FEATURES)} features."

Row: type[BaseModel] = create_model(
    SUBJECT.row.title().replace(" ", ""),
    __config__=ConfigDict(extra="forbid", frozen=True),
    __doc__=_ABOUT_ROW,
    **_FIELDS,
)

Batch: type[BaseModel] = create_model(
    "Batch",
    __config__=ConfigDict(extra="forbid"),
    __doc__=f"{_ROWS.capitalize()} to be {_DONE} in one request.",
    instances=(
        list[Row],
        Field(description="at most HOUSING_MAX_BATCH_ROWS (10,000)"),
    ),
)


def _in(unit: str) -> str | None:
    return f"in {unit}" if unit else None


def _interval() -> type[BaseModel]:
    """Make the model of an interval: the target's unit, then the second one."""
    ends = _WORDS.interval or (TARGET.usual_minimum, TARGET.usual_maximum)
    limits = dict(zip(("lower", "upper"), ends, strict=True))
    fields: dict[str, Any] = {
        name: (float, Field(description=_in(TARGET.unit), examples=[value]))
        for name, value in limits.items()
    }
    if SCALED:
        for name, value in limits.items():
            about = Field(description=_in(SCALED.unit), examples=[round(value * SCALED.factor, 2)])
            fields[f"{name}_{SCALED.suffix}"] = (float, about)
    about = f"The interval that holds the true value in {INTERVAL_COVERAGE:.0%} of cases."
    return create_model("Interval", __doc__=about.replace("%", " %"), **fields)


def _answer_fields() -> dict[str, Any]:
    """Return the fields of an answer, as ``predict.scoring.answers`` writes them."""
    what = TARGET.description.partition(",")[0]
    what = f"{what[:1].lower()}{what[1:]}" or TARGET.name
    fields: dict[str, Any] = {}
    if SUBJECT.task == "classification":
        label = f"{what}: whether the probability is at least {SUBJECT.threshold:g}"
        fields["probability"] = (
            float,
            Field(description=f"of {TARGET.name}", ge=0, le=1, examples=[0.2]),
        )
        fields[TARGET.name] = (bool, Field(description=label, examples=[False]))
    else:
        about = Field(
            description=", ".join(filter(None, (what, _in(TARGET.unit)))), examples=[TARGET.example]
        )
        fields[TARGET.name] = (float, about)
        if SCALED:
            scaled = round(TARGET.example * SCALED.factor, 2)
            same = Field(description=f"the same in {SCALED.unit}", examples=[scaled])
            fields[SCALED.name] = (float, same)
        fields["interval_90"] = (_interval(), ...)
    if GEOGRAPHY:
        about = Field(
            description="km to the nearest training row that the model keeps; null where it tells "
            "none",
            examples=[0.9],
        )
        fields["nearest_training_km"] = (float | None, about)
    about = Field(
        description=f"what to know before relying on the {_WORDS.noun}",
        examples=[[_WORDS.warning] if _WORDS.warning else []],
    )
    return {**fields, "warnings": (list[str], about)}


class _Served(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    model_name: str = Field(examples=[SUBJECT.name])
    model_version: str = Field(examples=["7"])
    stale: bool = Field(
        description="the model may not be the one that the registry names now",
        examples=[False],
    )


_Answer: type[BaseModel] = create_model(f"_{_NOUN}", **_answer_fields())
Predicted: type[BaseModel] = create_model(
    f"Predicted{_NOUN}",
    __base__=(_Served, _Answer),
    __doc__=f"The answer to one {SUBJECT.row}.",
)
RowAnswer: type[BaseModel] = create_model(
    f"Row{_NOUN}", __base__=_Answer, __doc__="The answer to one row of a batch."
)
BatchPrediction: type[BaseModel] = create_model(
    "BatchPrediction",
    __base__=_Served,
    __doc__="The answers to a batch, in its order.",
    predictions=(list[RowAnswer], ...),
)

_OF_MODEL: dict[str, Any] = dict.fromkeys(OUTPUTS, (float, ...))
MlflowRow: type[BaseModel] = create_model(
    "MlflowRow",
    __doc__=f"What the model itself says of one row{in_unit()}.",
    **(_OF_MODEL | ({NEAREST_KM: (float | None, None)} if GEOGRAPHY else {})),
)
MlflowPredictions: type[BaseModel] = create_model(
    "MlflowPredictions",
    __doc__="The answer in MLflow's scoring protocol.",
    predictions=(list[MlflowRow], ...),
)
