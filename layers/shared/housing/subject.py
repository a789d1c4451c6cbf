"""Description of a table: columns, target, headers, answer, geography and words.

A subject is a package ``subjects.NAME`` whose ``SUBJECT`` is one ``Subject``; its shortest form has
a name, a title, features and a target. Everything else has a default.
"""

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["number", "integer", "boolean", "category"]
Task = Literal["regression", "classification"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class SubjectError(Exception):
    """A subject that is not there, or that contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the canonical table; every value of it is one float64.

    A category's value is its place in ``categories``, a boolean's 0 or 1, and a missing value NaN.
    A value outside ``minimum`` … ``maximum`` is impossible and refused; one outside
    ``usual_minimum`` … ``usual_maximum`` is answered with a warning. Two values within
    ``tolerance`` of each other, or within ``SAME_SHARE`` of their size, are one value that was
    written twice.

    Attributes:
        name: Its name in headers, requests and reports.
        unit: Unit of its values; empty without one.
        description: What it is, in a few words.
        kind: Which values it takes.
        minimum: Smallest possible value.
        maximum: Largest possible value.
        usual_minimum: Smallest value that needs no warning.
        usual_maximum: Largest value that needs no warning.
        usual: What lies between the two.
        example: A value for documents and tests.
        tolerance: Absolute difference that rounding may make.
        categories: Texts of a category, in order; new ones are only ever added at the end. Of a
            boolean: two texts that files have for false and true, besides the usual ones.
        unknown: Whether any other text is an error, or the category *other* with a warning.
        optional: Whether a value may be missing.
    """

    name: str
    unit: str = ""
    description: str = ""
    kind: Kind = "number"
    minimum: float = -1e12
    maximum: float = 1e12
    usual_minimum: float = -1e12
    usual_maximum: float = 1e12
    usual: str = "the range of the training data"
    example: float
    tolerance: float = 0.0
    categories: tuple[str, ...] = ()
    unknown: Literal["error", "other"] = "error"
    optional: bool = False

    @property
    def other(self) -> int:
        """The value of a category that is not among ``categories``."""
        return len(self.categories)

    @property
    def shown_example(self) -> float | str | bool:
        """The example as a request or a CSV gives it."""
        if self.kind == "category":
            return self.categories[int(self.example)]
        return bool(self.example) if self.kind == "boolean" else self.example


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherHeader:
    """A second header under which the same table is known.

    Attributes:
        title: What it is called.
        names: The file's columns.
        column_of: The file's column in which a wrong value of each canonical column is to be
            looked for, in canonical order.
        convert: Maps numbers or arrays by the file's names to the same by canonical names.
    """

    title: str
    names: tuple[str, ...]
    column_of: Mapping[str, str]
    convert: Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaled:
    """A second unit in which answers give the target, such as dollars beside $100,000.

    Attributes:
        name: Field of the answer.
        suffix: Ending of the interval's fields in this unit.
        unit: What the field is given in.
        factor: What the target is multiplied by.
        sign: What stands before a number in a sentence.
    """

    name: str
    suffix: str
    unit: str
    factor: float
    sign: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The largest target that the source writes, whatever is true.

    Attributes:
        value: The target of capped rows.
        slice_name: Name of their slice.
        warning: Sentence of an answer at the cap.
        limit: Sentence of the card.
    """

    value: float
    slice_name: str
    warning: str
    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Geography:
    """Coordinates of the rows, and what their features measure.

    Attributes:
        place: Columns of latitude and longitude, in degrees.
        step: Degrees; rows of one cell of this size are held out or fitted together.
        origin: Latitude and longitude from which the plane's kilometres count.
        middle_latitude: Latitude at which a degree of longitude is measured.
        cities: Latitude and longitude by name; distances and slices.
        coast: Points of a line from which distances are measured; empty without one.
        averaged: Columns whose mean over the nearest rows is a feature.
        alike: Column by whose logarithm near rows are weighted as alike.
        far_km: An answer farther from the nearest training row has a warning.
    """

    place: tuple[str, str]
    step: float
    origin: tuple[float, float]
    middle_latitude: float
    cities: Mapping[str, tuple[float, float]]
    coast: tuple[tuple[float, float], ...]
    averaged: tuple[str, ...]
    alike: str
    far_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """A feature that divides one column by another."""

    name: str
    dividend: str
    divisor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiWords:
    """Words and examples of the API's page.

    Attributes:
        verb: What a request asks for: to predict, or to price.
        noun: What an answer gives.
        about_row: What a row is; default: one row, with all its features.
        interval: Lower and upper limit of the example; default: the target's usual range.
        warning: A warning for the example.
    """

    verb: str = "predict"
    noun: str = "value"
    about_row: str = ""
    interval: tuple[float, float] | None = None
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One table and the model of it.

    Attributes:
        name: Name of the registered model and of the experiment.
        title: Title of the API and of the card.
        about: What is predicted, for the API's page; default: the title.
        card_title: Title of the model card; default: the title.
        row: Noun of one row.
        answer: Noun of a prediction, with its article; default: "a prediction of" the target.
        api: Words and examples of the API's page.
        of: Where rows come from, for descriptions.
        features: Columns of the features, in the order of the model's input.
        target: The column to predict; of a classification, a boolean.
        task: Kind of prediction.
        schema_version: Counted up when the meaning of a column changes.
        threshold: Of a classification: the probability from which the label is true.
        repeats: Whether rows with equal features are rows of their own, as in a table of few
            categories; else the data set has each once, with the target of the latest upload.
        headers: Other headers that uploads may have.
        scaled: A second unit of the answer.
        cap: The largest target that the source writes.
        scale: Size of a usual target, of which a twentieth is a small error; default: the
            standard deviation of the fitted targets.
        geography: Coordinates of the rows; None where rows have no place.
        ratios: Features that are ratios of columns.
        output: Name of the model's output for the target.
        quarters: Names of the slices by the target's quarters.
        limits: Sentences of the card's section on limits.
        source: Where the data come from.
    """

    name: str
    title: str
    about: str = ""
    card_title: str = ""
    row: str = "row"
    answer: str = ""
    api: ApiWords = field(default_factory=ApiWords)
    of: str = "the data set"
    features: tuple[Column, ...]
    target: Column
    task: Task = "regression"
    schema_version: str = "1"
    threshold: float = 0.5
    repeats: bool = False
    headers: tuple[OtherHeader, ...] = ()
    scaled: Scaled | None = None
    cap: Cap | None = None
    scale: float | None = None
    geography: Geography | None = None
    ratios: tuple[Ratio, ...] = ()
    output: str = "prediction"
    quarters: tuple[str, str, str, str] = (
        *("lowest quarter", "second quarter"),
        *("third quarter", "highest quarter"),
    )
    limits: tuple[str, ...] = ()
    source: str = ""


def load(name: str) -> Subject:
    """Return the subject of a name: ``SUBJECT`` of the package ``subjects.NAME``.

    Raises:
        SubjectError: There is no such package, or it holds no subject.
    """
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is not a valid subject name: small letters, digits and underscores"
        raise SubjectError(msg)
    try:
        module = importlib.import_module(f"subjects.{name}")
    except ModuleNotFoundError as exc:
        if exc.name not in {"subjects", f"subjects.{name}"}:
            raise
        msg = (
            f"there is no subject {name!r}: no folder of this name under layers/shared/subjects "
            "or in HOUSING_SUBJECTS_DIR"
        )
        raise SubjectError(msg) from exc
    subject = getattr(module, "SUBJECT", None)
    if not isinstance(subject, Subject):
        msg = f"subjects.{name} has no SUBJECT that is a housing.subject.Subject"
        raise SubjectError(msg)
    return subject
