"""Route that describes the table: its columns, the answer, and who answers; for forms."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from housing.schema import FEATURES, GEOGRAPHY, INTERVAL_COVERAGE, PLACE, SCALED, SUBJECT, TARGET
from housing.subject import Column, Kind, Task

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


class DescribedSubject(BaseModel):
    """The table and its answer."""

    model_config = ConfigDict(protected_namespaces=())

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


def subject_routes() -> APIRouter:
    """Build the route."""
    router = APIRouter(tags=["service"])

    @router.get("/subject", summary="Describe the table and its answer")
    async def subject() -> DescribedSubject:
        """Return the columns with their units, ranges and examples, as a form needs them."""
        return _described()

    return router


def _described() -> DescribedSubject:
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
