"""Pydantic models of the scoring routes, derived from the schema of the data."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from housing.schema import FEATURES, SUBJECT, TARGET
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

BlockGroup: type[BaseModel] = create_model(
    "BlockGroup",
    __config__=ConfigDict(extra="forbid", frozen=True),
    __doc__="One block group of the census: all eight features.",
    **_FIELDS,
)


class Batch(BaseModel):
    """Block groups to be priced in one request."""

    model_config = ConfigDict(extra="forbid")

    instances: list[BlockGroup] = Field(description="at most HOUSING_MAX_BATCH_ROWS (10,000)")


class Interval(BaseModel):
    """The interval that holds the true value in 90 % of cases."""

    lower: float = Field(description="in $100,000", examples=[3.3071])
    upper: float = Field(description="in $100,000", examples=[5.4329])
    lower_usd: float = Field(description="in dollars", examples=[330_710.0])
    upper_usd: float = Field(description="in dollars", examples=[543_290.0])


class _Price(BaseModel):
    MedHouseVal: float = Field(
        description="median house value, in $100,000", examples=[TARGET.example]
    )
    price_usd: float = Field(description="the same in dollars", examples=[452_600.0])
    interval_90: Interval
    nearest_training_km: float | None = Field(
        description="km to the nearest training row that the model keeps; null where it tells none",
        examples=[0.9],
    )
    warnings: list[str] = Field(
        description="what to know before relying on the price",
        examples=[["Latitude 45.0 lies outside California (32.5 to 42.05)"]],
    )


class _Served(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    model_name: str = Field(examples=[SUBJECT.name])
    model_version: str = Field(examples=["7"])
    stale: bool = Field(
        description="the model may not be the one that the registry names now",
        examples=[False],
    )


class PredictedPrice(_Served, _Price):
    """The answer to one block group."""


class RowPrice(_Price):
    """The answer to one row of a batch."""


class BatchPrediction(_Served):
    """The answers to a batch, in its order."""

    predictions: list[RowPrice]


class MlflowRow(BaseModel):
    """What the model itself says of one row, in $100,000."""

    price: float
    lower: float
    upper: float
    nearest_km: float | None = None


class MlflowPredictions(BaseModel):
    """The answer in MLflow's scoring protocol."""

    predictions: list[MlflowRow]
