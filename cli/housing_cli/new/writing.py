"""Write a subject as a folder that a person reads and edits, and a test of it."""

import json
import keyword
from collections.abc import Iterator
from pathlib import Path

from housing.subject import Column, Subject
from housing_cli.errors import DataFileError
from housing_cli.new.table import Table
from housing_ops.checkout import CHECKOUT

SUBJECTS = CHECKOUT / "layers/shared/subjects"
TESTS = CHECKOUT / "tests/unit/subjects"
_SAMPLE_ROWS = 3
_LINE = 100


def write(name: str, subject: Subject, table: Table, left_out: dict[str, str]) -> list[Path]:
    """Write ``__init__.py`` of a subject and a test; return their paths.

    Raises:
        DataFileError: The name is none of a subject, one of the files is there, or cannot be
            written.
    """
    files = {
        SUBJECTS / name / "__init__.py": "\n".join(_module(subject, left_out)) + "\n",
        TESTS / f"test_{name}.py": "\n".join(_test(name, subject, table)) + "\n",
    }
    for path in (SUBJECTS / name, TESTS / f"test_{name}.py"):
        if path.exists():
            msg = f"{path} exists and is not overwritten: take another name, or remove it"
            raise DataFileError(msg)
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as exc:
        msg = f"cannot write {exc.filename}: {exc.strerror}"
        raise DataFileError(msg) from exc
    return list(files)


def check_name(name: str) -> None:
    """Check the name of a new subject.

    Raises:
        DataFileError: It is none, or there is a subject of this name.
    """
    if not name.isidentifier() or not name.islower() or keyword.iskeyword(name):
        msg = f"{name!r} is not a valid name: small letters, digits and underscores, a letter first"
        raise DataFileError(msg)
    if (SUBJECTS / name).exists():
        msg = f"{SUBJECTS / name} exists and is not overwritten: take another name, or remove it"
        raise DataFileError(msg)


def _module(subject: Subject, left_out: dict[str, str]) -> Iterator[str]:
    yield f'"""{_plain(subject.title)}: {_plain(subject.target.name)} by its other columns."""'
    yield ""
    yield "from housing.subject import Column, Subject"
    yield ""
    for name, reason in left_out.items():
        yield f"# {_plain(name)} is left out: {_plain(reason)}"[:100]
    if left_out:
        yield ""
    yield "SUBJECT = Subject("
    yield f"    name={_text(subject.name)},"
    yield f"    title={_text(subject.title)},"
    yield f"    about={_text(subject.about)},"
    yield f"    task={_text(subject.task)},"
    if subject.repeats:
        yield "    repeats=True,  # rows with equal features are rows of their own"
    yield "    features=("
    for column in subject.features:
        yield from ("        " + line for line in _column(column))
    yield "    ),"
    first, *rest = _column(subject.target)
    yield f"    target={first}"
    yield from ("    " + line for line in rest)
    yield f"    source={_text(subject.source)},"
    yield ")"


def _column(column: Column) -> Iterator[str]:
    yield "Column("
    yield f"    name={_text(column.name)},"
    if column.kind != "number":
        yield f"    kind={_text(column.kind)},"
    if column.categories:
        yield "    categories=("
        yield from (f"        {_text(text)}," for text in column.categories)
        yield "    ),"
    if column.unknown == "other":
        yield '    unknown="other",  # other texts get a warning'
    if column.optional:
        yield "    optional=True,"
    if column.kind in {"number", "integer"}:
        yield f"    minimum={_number(column.minimum)},  # values outside are refused"
        yield f"    maximum={_number(column.maximum)},"
        yield f"    usual_minimum={_number(column.usual_minimum)},  # outside there is a warning"
        yield f"    usual_maximum={_number(column.usual_maximum)},"
        if column.tolerance:
            yield f"    tolerance={_number(column.tolerance)},  # rows within it are the same"
    yield f"    example={_number(column.example)},"
    yield "),"


def _test(name: str, subject: Subject, table: Table) -> Iterator[str]:
    names = [column.name for column in (*subject.features, subject.target)]
    rows = [names, *_sample(table, names)]
    lines = [f"    {json.dumps(row, ensure_ascii=False)}," for row in map(_csv, rows)]
    yield f'"""The subject ``{name}`` is sound, and rows of its table are read."""'
    if any(len(line) > _LINE and " " in line.strip() for line in lines):  # ruff forgives one word
        yield "# ruff: noqa: E501 - rows of a table"
    yield ""
    yield "from fakes.other_subject import problems_of_rows"
    yield ""
    yield "ROWS = ("
    yield from lines
    yield ")"
    yield ""
    yield ""
    yield f"def test_rows_of_{name}_are_read() -> None:"
    yield f"    assert problems_of_rows({_text(name)}, ROWS) == []"


def _sample(table: Table, names: list[str]) -> Iterator[list[str]]:
    """Yield some whole rows of the table."""
    columns = [table.columns[name] for name in names]
    whole = (list(cells) for cells in zip(*columns, strict=True) if all(cells))
    yield from (row for _, row in zip(range(_SAMPLE_ROWS), whole, strict=False))


def _csv(cells: list[str]) -> str:
    return ";".join(
        '"' + cell.replace('"', '""') + '"' if set(cell) & set(';",\n') else cell for cell in cells
    )


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'").replace("\n", " ")


def _number(number: float) -> str:
    return f"{int(number):_}" if float(number).is_integer() else repr(float(number))
