"""Design a subject from a table: its target, task and features, and what was assumed."""

import difflib
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from housing.subject import Column, Subject, SubjectError, Task
from housing.subject_check import check
from housing.texts import BOOLEANS, MISSING
from housing_cli.errors import DataFileError
from housing_cli.new.kinds import Inferred, infer
from housing_cli.new.leaks import leak
from housing_cli.new.table import Table
from retrain.training.settings import TrainingSettings

_MANY_CLASSES = 20
_ROOM = 10
"""How many times as large as any value a possible one may be."""
_MOST_DECIMALS = 6
_LABELS = 2
_FEW_REPEATS = 0.05
"""Share of rows with the features of another one up to which they are one row that came twice."""
_ONE_ROW = "the data set has each once, with the target that was uploaded last"
_OWN_ROWS = (
    "each is a row of its own (repeats=True), and an upload that comes again adds none: upload the "
    "table whole, old rows and new ones together"
)


@dataclass(slots=True)
class Design:
    """A subject, and sentences on what was assumed and left out."""

    subject: Subject
    assumed: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def design(name: str, table: Table, target: str, task: Task | None = None) -> Design:
    """Design a subject.

    Raises:
        DataFileError: No model can be made of the table and this target.
    """
    _check_rows(table)
    if target not in table.columns:
        close = difflib.get_close_matches(target, table.columns, 3, 0.5)
        hint = f"did you mean {' or '.join(close)}? " if close else ""
        msg = f"{table.path} has no column {target}: {hint}it has {', '.join(table.columns)}"
        raise DataFileError(msg)
    decimal = _decimal(table)
    wanted = _target(table, target, task, decimal)
    features, left_out = [], {}
    for column, cells in table.columns.items():
        if column == target:
            continue
        feature = infer(column, cells, decimal=decimal)
        reason = feature.left_out or leak(feature, wanted)
        if reason:
            left_out[column] = reason
        else:
            features.append(feature)
    if not features:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in left_out.items())
        msg = f"no column of {table.path} is left as a feature: {reasons or 'it has one column'}"
        raise DataFileError(msg)
    of_task: Task = "classification" if wanted.kind == "boolean" else "regression"
    subject = Subject(
        name=name.replace("_", "-"),
        title=name.replace("_", " ").capitalize(),
        about=f"{target.capitalize()} of {name.replace('_', ' ')}",
        features=tuple(map(_column, features)),
        target=replace(_column(wanted), optional=False, unknown="error"),
        task=of_task,
        source=table.path.name,
    )
    try:
        check(subject)
    except SubjectError as exc:
        msg = f"{table.path} cannot become a subject: {exc}; rename the column in the file"
        raise DataFileError(msg) from exc
    assumed = [*_about_table(table, decimal), *_about_target(wanted, of_task, table)]
    assumed += [f"{one.name}: {note}" for one in features for note in _notes(one)]
    repeated = _repeated(features)
    repeats = repeated > _FEW_REPEATS * table.rows
    if repeated:
        assumed.append(
            f"{repeated:,} of {table.rows:,} rows have the features of another row: "
            + (_OWN_ROWS if repeats else _ONE_ROW)
        )
    return Design(replace(subject, repeats=repeats), assumed, left_out)


def _check_rows(table: Table) -> None:
    least = int(TrainingSettings.model_fields["min_rows"].default)
    if table.rows < least:
        msg = f"{table.path} has {table.rows:,} rows; at least {least:,} are needed"
        raise DataFileError(msg)


def _decimal(table: Table) -> Literal[".", ","]:
    """Return the decimal mark: a comma where more cells are numbers with one than with a point."""
    if table.delimiter == ",":
        return "."
    commas = points = 0
    for cells in table.columns.values():
        for cell in cells[:200]:
            commas += bool(re.fullmatch(r"[+-]?\d+,\d+", cell))
            points += bool(re.fullmatch(r"[+-]?\d+\.\d+", cell))
    return "," if commas > points else "."


def _target(table: Table, name: str, task: Task | None, decimal: str) -> Inferred:
    cells = table.columns[name]
    present = [cell for cell in cells if cell and not MISSING.fullmatch(cell)]
    times = Counter(present)
    if len(times) <= 1:
        what = f"all its values are {present[0]!r}" if times else "all its cells are blank"
        msg = f"{name} cannot be the target: {what}"
        raise DataFileError(msg)
    inferred = infer(name, cells, decimal=decimal)
    is_number = inferred.kind in {"number", "integer"}
    if task == "regression" and (is_number or set(times) <= {"0", "1"}):
        numbers = np.array([float(BOOLEANS.get(cell.lower(), np.nan)) for cell in cells])
        values = inferred.values if is_number else numbers
        return replace(inferred, kind="integer" if not is_number else inferred.kind, values=values)
    if task == "regression":
        msg = f"{name} cannot be a regression's target: it has texts such as {present[0]!r}"
        raise DataFileError(msg)
    if inferred.kind == "boolean":
        return inferred
    if len(times) == _LABELS:
        rarer, other = sorted(times, key=lambda text: (times[text], text))
        codes = [1.0 if cell == rarer else 0.0 if cell == other else np.nan for cell in cells]
        labels = (other, rarer)
        return replace(
            inferred, kind="boolean", values=np.array(codes), categories=labels, left_out=""
        )
    if task == "classification" or not is_number:
        shown = ", ".join(repr(text) for text, _ in times.most_common(4))
        many = f"{len(times):,} different values ({shown}, …)"
        if inferred.left_out and not is_number:
            msg = f"{name} cannot be the target: {inferred.left_out}"
        else:
            msg = (
                f"{name} has {many}: a classification has two. Make a column of two values, such "
                f"as {name} = {present[0]} or not, and use it as the target"
            )
        raise DataFileError(msg)
    if inferred.left_out and "identifier" not in inferred.left_out:
        inferred.notes.append(f"beware: {inferred.left_out}")
    return replace(inferred, left_out="")


def _column(one: Inferred) -> Column:
    there = one.values[~np.isnan(one.values)]
    if one.kind == "boolean":
        return Column(
            name=one.name,
            kind="boolean",
            categories=one.categories,
            optional=bool(one.missing),
            example=float(there.mean() > there.max() / 2),
        )
    if one.kind == "category":
        return Column(
            name=one.name,
            kind="category",
            categories=one.categories,
            unknown="other" if one.has_rare else "error",
            optional=bool(one.missing),
            example=float(np.bincount(there.astype(int)).argmax()),
        )
    smallest, largest = float(there.min()), float(there.max())
    return Column(
        name=one.name,
        kind=one.kind,
        minimum=0.0 if smallest >= 0 else -_round_up(_ROOM * max(-smallest, largest)),
        maximum=_round_up(_ROOM * max(abs(largest), abs(smallest))),
        usual_minimum=smallest,
        usual_maximum=largest,
        example=float(np.sort(there)[len(there) // 2]),
        tolerance=_tolerance(one),
        optional=bool(one.missing),
    )


def _tolerance(one: Inferred) -> float:
    """Return what rounding to the column's decimals may move, a hair more; 0 for whole numbers."""
    if one.kind == "integer":
        return 0.0
    return float(f"{0.505 * 10.0 ** -min(max(one.decimals, 1), _MOST_DECIMALS):.3g}")


def _round_up(number: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    if number <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(number))
    return float(next(one * power for one in (1, 2, 5, 10) if one * power >= number * (1 - 1e-9)))


def _about_table(table: Table, decimal: str) -> Sequence[str]:
    lines = []
    if table.nameless:
        lines.append("the column without a name is left out: it numbers the rows")
    if table.ragged:
        lines.append(f"{table.ragged:,} lines have another number of fields than the header")
    if decimal == ",":
        lines.append("numbers have a decimal comma")
    return lines


def _about_target(target: Inferred, task: Task, table: Table) -> Sequence[str]:
    lines = []
    if task == "classification":
        share = float(np.nanmean(target.values))
        texts = target.categories or ("no", "yes")
        lines.append(
            f"{target.name} has two values: a classification; true in {share:.1%} of the rows"
            + (f", where it is {texts[1]!r}" if target.categories else "")
        )
    else:
        different = len(np.unique(target.values[~np.isnan(target.values)]))
        lines.append(f"{target.name} is predicted as a number")
        if different <= _MANY_CLASSES:
            lines.append(f"{target.name} has only {different} values: are they classes?")
    lacking = int(np.isnan(target.values).sum())
    if lacking:
        lines.append(
            f"{target.name} is missing in {lacking:,} of {table.rows:,} rows, which are bad rows"
        )
        most = float(TrainingSettings.model_fields["max_bad_rows_share"].default)
        if lacking > most * table.rows:
            lines.append(f"an upload with over {most:.0%} bad rows is rejected: take them out")
    return [*lines, *(f"{target.name}: {note}" for note in target.notes)]


def _notes(one: Inferred) -> Sequence[str]:
    lines = list(one.notes)
    if one.missing:
        lines.append(f"{one.missing:,} cells are missing: it is optional")
    if one.kind == "category":
        lines.append(f"categories in this order: {', '.join(one.categories)}")
    return lines


def _repeated(features: Sequence[Inferred]) -> int:
    rows = np.column_stack([np.nan_to_num(one.values, nan=-1e300) for one in features])
    return len(rows) - len(np.unique(rows, axis=0))
