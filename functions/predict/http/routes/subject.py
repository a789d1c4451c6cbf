"""Route that describes the table: columns, answer, and an overview of the training rows."""

import logging

from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError
from starlette.concurrency import run_in_threadpool

from housing.schema import FEATURES, GEOGRAPHY, INTERVAL_COVERAGE, PLACE, SCALED, SUBJECT, TARGET
from housing.subject import Column, Kind, Task
from predict.errors import ModelUnavailableError
from predict.model.loading import ServedModel
from predict.model.store import ModelStore

_LOG = logging.getLogger(__name__)
_ANY = 1e12  # a limit that is none: housing.subject


class DescribedColumn(BaseModel):
    """A column of the table, as a form asks for it."""

    name: str
    unit: str
    description: str
    kind: Kind
    optional: bool = Field(description="whether it may be missing")
    minimum: float | None = Field(description="smallest possible value; null without one")
    maximum: float | None
    usual_minimum: float | None = Field(description="smaller values are answered with a warning")
    usual_maximum: float | None
    categories: list[str] = Field(description="the texts of a category, in their order")
    takes_others: bool = Field(description="whether other texts are taken, with a warning")
    example: float | bool | str


class SecondUnit(BaseModel):
    """A second unit of the answer."""

    name: str = Field(description="field of the answer")
    suffix: str = Field(description="ending of the interval's fields in this unit")
    unit: str
    sign: str = Field(description="what stands before an amount")
    factor: float = Field(description="what the target is multiplied by")


class Place(BaseModel):
    """The columns of the coordinates, in degrees."""

    latitude: str
    longitude: str
    far_km: float = Field(description="answers farther from a training row have a warning")


class Histogram(BaseModel):
    """Counts of the targets in bins of equal width; the outermost hold all beyond them."""

    low: float
    high: float
    counts: list[int] = Field(min_length=1, max_length=100)


class TargetMap(BaseModel):
    """The mean target of the rows in each cell, as letters from A (low) to Z (high)."""

    south: float = Field(description="least latitude, in degrees")
    west: float = Field(description="least longitude")
    cell_height: float = Field(gt=0, description="in degrees of latitude")
    cell_width: float = Field(gt=0, description="in degrees of longitude")
    low: float = Field(description="mean target of an A")
    high: float = Field(description="mean target of a Z")
    lines: list[str] = Field(
        description="from north to south, a cell each character; a full stop has no row",
        min_length=1,
        max_length=200,
    )


class Overview(BaseModel):
    """The rows that the version was fitted on, coarsely."""

    rows: int
    targets: Histogram
    map: TargetMap | None = None


class DescribedSubject(BaseModel):
    """The table and its answer."""

    name: str
    title: str
    about: str
    row: str = Field(description="noun of a row")
    verb: str = Field(description="what a request asks for")
    noun: str = Field(description="what an answer gives")
    task: Task
    coverage: float = Field(description="share of true values that an interval holds")
    columns: list[DescribedColumn]
    target: DescribedColumn
    second_unit: SecondUnit | None
    place: Place | None
    overview: Overview | None = Field(
        description="of the training rows of the version that answers; null where it has none"
    )


def subject_routes(models: ModelStore) -> APIRouter:
    """Build the route.

    Args:
        models: Hands out the model that answers.
    """
    router = APIRouter(tags=["service"])

    @router.get("/subject", summary="Describe the table and its answer")
    async def subject() -> DescribedSubject:
        """Return the columns with their units, ranges and examples, as a form needs them."""
        try:
            # May wait for the registry: not on the event loop.
            served = await run_in_threadpool(models.current)
        except ModelUnavailableError:  # its form can be filled in anyhow
            return _described(None)
        return _described(_overview(served))

    return router


def _overview(served: ServedModel) -> Overview | None:
    """Return the overview in the model; another program may have written the model."""
    text = served.predictor.overview
    try:
        return Overview.model_validate_json(text) if text else None
    except ValidationError as exc:
        facts = {"model_version": served.version.version, "errors": exc.error_count()}
        _LOG.warning("overview_not_valid", extra=facts)
        return None


def _described(overview: Overview | None) -> DescribedSubject:
    return DescribedSubject(
        name=SUBJECT.name,
        title=SUBJECT.title,
        about=SUBJECT.about or SUBJECT.title,
        row=SUBJECT.row,
        verb=SUBJECT.api.verb,
        noun=SUBJECT.api.noun,
        task=SUBJECT.task,
        coverage=INTERVAL_COVERAGE,
        columns=[_column(column) for column in FEATURES],
        target=_column(TARGET),
        second_unit=_second_unit(),
        place=_place(),
        overview=overview,
    )


def _column(column: Column) -> DescribedColumn:
    is_number = column.kind in {"number", "integer"}

    def limit(value: float) -> float | None:
        return value if is_number and abs(value) < _ANY else None

    return DescribedColumn(
        name=column.name,
        unit=column.unit,
        description=column.description,
        kind=column.kind,
        optional=column.optional,
        minimum=limit(column.minimum),
        maximum=limit(column.maximum),
        usual_minimum=limit(column.usual_minimum),
        usual_maximum=limit(column.usual_maximum),
        categories=list(column.categories) if column.kind == "category" else [],
        takes_others=column.kind == "category" and column.unknown == "other",
        example=column.shown_example,
    )


def _second_unit() -> SecondUnit | None:
    if SCALED is None:
        return None
    return SecondUnit(
        name=SCALED.name,
        suffix=SCALED.suffix,
        unit=SCALED.unit,
        sign=SCALED.sign,
        factor=SCALED.factor,
    )


def _place() -> Place | None:
    if GEOGRAPHY is None:
        return None
    latitude, longitude = PLACE
    return Place(latitude=latitude, longitude=longitude, far_km=GEOGRAPHY.far_km)
