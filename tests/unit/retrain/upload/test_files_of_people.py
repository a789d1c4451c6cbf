"""Files as spreadsheets, statistics programs and people write them end as a person expects."""

import codecs
import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from housing.schema import CANONICAL_HEADER
from retrain.training.dataset.rows import Values
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.check import check_csv
from retrain.training.upload.ingest import check_file
from retrain.training.upload.limits import Limits
from subjects.california.schema import CENSUS_HEADER

FILES = 400
HEADER = ",".join(CANONICAL_HEADER)
ROW = "8.3,41,6.9,1.02,322,2.55,37.88,-122.23,4.526"
CENSUS_ROW = "-122.23,37.88,41,1880,1129,1322,1126,8.3252,452600"
SPELLINGS: tuple[Callable[[str], str], ...] = (
    *(str, str, str, str.lower, str.upper, str.title),
    lambda name: name.replace("_", " ").capitalize(),
    lambda name: name.replace("_", "."),
    lambda name: f" {name}\u00a0",
    lambda name: f"\u200b{name}",
    lambda name: f"'{name}'",
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")


def table(rng: random.Random, *, is_census: bool) -> list[list[float]]:
    """Draw rows whose numbers can be read in one way only."""
    rows = []
    for _ in range(rng.choice([1, 5, 60])):
        place = [round(rng.uniform(32.6, 41.9), 4) + 1e-4, round(rng.uniform(-124, -115), 2)]
        people = [rng.randrange(1_000, 9_000) for _ in range(3)]
        if is_census:
            ages_and_rooms = [float(rng.randrange(1, 52)), *people, rng.randrange(1_001, 2_000)]
            money = [round(rng.uniform(1, 9), 4), float(rng.randrange(50_000, 499_000))]
            rows.append([place[1], place[0], *ages_and_rooms, *money])
        else:
            means = [round(rng.uniform(1, 9), rng.choice([4, 15])) for _ in range(3)]
            price = round(rng.uniform(1, 5), 5)
            rows.append([*means, 1.02, people[0], 2.5556, *place, price])
            rows[-1][1] = 41.0
    return rows


def canonical(rows: list[list[float]], *, is_census: bool) -> Values:
    values = np.array(rows)
    if not is_census:
        return values
    place, (age, rooms, bedrooms, people, homes, income, price) = values[:, :2], values[:, 2:].T
    columns = [income, age, rooms / homes, bedrooms / homes, people, people / homes]
    return np.column_stack([*columns, place[:, 1], place[:, 0], price / 100_000])


def number(value: float, decimal: str, *, grouped: bool, gap: str) -> str:
    text = f"{value:,}" if grouped else repr(value)
    text = text.replace(",", gap) if gap else text
    return text.translate(str.maketrans(".,", ",.")) if decimal == "," else text


class FileOfPeople:
    """A file with some of what people do to files, and the rows that it holds."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        is_census = rng.random() < 0.5
        rows = table(rng, is_census=is_census)
        self.values = canonical(rows, is_census=is_census)
        delimiter, decimal = rng.choice(",,;\t|"), rng.choice("...,")
        spelling = rng.choice(SPELLINGS)
        grouped = is_census and rng.random() < 0.3
        gap = rng.choice(" '\u00a0\u202f") if grouped and rng.random() < 0.5 else ""
        names = [spelling(name) for name in (CENSUS_HEADER if is_census else CANONICAL_HEADER)]
        cells = [
            [number(value, decimal, grouped=grouped, gap=gap) for value in row] for row in rows
        ]
        note = rng.choice([None, None, "NEAR BAY", "Cañón", "a, b; c|d"])
        if note:
            names.append("note")
            cells = [[*row, note] for row in cells]
        index = rng.choice(["", "", "nameless", "absent"])
        if index:
            cells = [[str(place), *row] for place, row in enumerate(cells, 1)]
            names = ["", *names] if index == "nameless" else names
        quoted = rng.choice(["", '"'])
        space = rng.choice(["", "", " "]) if delimiter != "\t" else ""
        ends_early = rng.random() < 0.2 and index != "absent"

        def line(fields: list[str]) -> str:
            written = [
                f'"{field}"' if quoted or any(one in field for one in ",;|") else field
                for field in fields
            ]
            return f"{delimiter}{space}".join(written)

        header = line(names)
        lines = [line(row) + delimiter * ends_early for row in cells]
        ghost = rng.choice(["", "  ", delimiter * 8, f'""{delimiter}""', f" {delimiter} "])
        for extra in [ghost] * rng.choice([0, 0, 1, 30]):
            lines.insert(rng.randrange(len(lines) + 1), extra)
        if rng.random() < 0.2:
            lines.insert(rng.randrange(len(lines) + 1), header)
        if '"' not in "".join([header, *lines]) and rng.random() < 0.3:
            header, *lines = (f'"{text}"' if text.strip() else text for text in [header, *lines])
        before = rng.choice(
            [[], [], ["Houses of California", "", "as of 1990"], ["# made by hand"]]
        )
        if rng.random() < 0.2 and not before:
            before = [f"sep={delimiter}"]
        elif rng.random() < 0.1 and not header.startswith('"'):
            header = f"# {header}"
        end = rng.choice(["\n", "\r\n", "\r", "\r\r\n"])
        after = rng.choice(["", end, f"{end}\x1a", f"{end}{end}"])
        text = end.join([*before, header, *lines]) + after
        codec = rng.choice(ENCODINGS)
        if codec == "cp1252":
            text = text.replace("\u200b", "").replace("\u202f", "\u00a0")
        marks = codecs.BOM_UTF8 * 2 if codec == "utf-8" and rng.random() < 0.2 else b""
        self.content = marks + text.encode(codec)


@pytest.mark.parametrize("first", range(0, FILES, 50))
def test_every_row_of_a_file_is_read_whatever_a_program_made_of_it(first: int) -> None:
    for seed in range(first, first + 50):
        file = FileOfPeople(seed)

        read = check_csv(file.content)

        shown = (seed, file.content[:600], read.problems[:2], read.remarks)
        assert (read.read, read.bad) == (len(file.values), 0), shown
        assert read.rows == pytest.approx(file.values, rel=1e-12), shown


def in_cells(header: str, row: str, old: str, new: str) -> bytes:
    return f"{header}\n{row}\n{row.replace(old, new)}\n".encode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"{HEADER}\n{ROW.replace('.', ',')}".encode(), "16 fields .* decimals take a point"),
        (
            in_cells(HEADER, ROW, ",322", ",3x").translate(bytes.maketrans(b",.x", b";,.")),
            r"Population '3\.': not a number",
        ),
        (
            in_cells(HEADER, ROW, "8.3", "8x3").translate(bytes.maketrans(b",.x", b";,.")),
            r"MedInc '8\.3': not a number: other numbers of this file take a comma",
        ),
        (in_cells(HEADER, ROW, "4.526", "452600"), "looks like dollars, the unit is \\$100,000"),
        (in_cells(HEADER, ROW, "37.88", "37.88°"), r"not a number$|alike"),
        (in_cells(HEADER, ROW, "-122", "\u2212122"), r"characters that look alike \(U\+2212\)"),
        (in_cells(HEADER, ROW, "322", "3_22"), "'3_22': not a number: it has underscores"),
        (in_cells(HEADER, ROW, "322", "\u0663"), r"\(U\+0663\)"),
        (in_cells(HEADER, ROW, "8.3", "'8.3'"), "not a number: CSV takes double quotes, or none"),
        (in_cells(HEADER, ROW, "8.3", '"=""8.3"""'), "it is a formula of a spreadsheet"),
        (f"{HEADER}\n{ROW.replace(',', ';')}".encode(), "separated by ';', not as the header"),
        (f"{HEADER}\n{ROW}".replace(",", "|", 8).encode(), "separated by ',', not as the header"),
        (f"{HEADER}\n{ROW.replace(',', chr(9))}".encode(), r"separated by '\\t', not as"),
        (in_cells(HEADER, ROW, "8.3", "'8.3"), "''8.3': not a number"),
    ],
)
def test_bad_cells_are_reported_as_what_they_are(content: bytes, says: str) -> None:
    read = check_csv(content)

    assert read.bad == 1
    assert re.search(says, str(read.problems[0])), read.problems[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (CENSUS_ROW.encode(), "has no header: its first line is data, '-122.23,37.88"),
        (f'"{CENSUS_ROW}"\n'.replace(",", '","').encode(), "has no header: its first line is data"),
        (HEADER.replace(",", " ").encode(), "separated by spaces"),
        (HEADER.replace(",", ":").encode(), "separated by colons"),
        (HEADER.replace(",", "^").encode(), r"separated by \^"),
        (HEADER.replace("AveOccup", "Occupants").encode(), "AveOccup; .* other names are: 'Occup"),
        (HEADER.replace("MedInc", "M\u0435dInc").encode(), r"MedInc; .*dInc' \(U\+0435\)"),
        (f"{HEADER},medinc,MEDINC\n{ROW},1,1".replace("MedInc", "med_inc").encode(), "than once"),
        (b"PK\x03\x04\x14\0[Content_Types].xml", r"an Excel workbook \(.xlsx\)"),
        (b"PK\x03\x04\x14\0housing.csv", "a ZIP archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", r"Excel workbook \(.xls\)"),
        (b"PAR1\x15\x04", "a Parquet file"),
        (gzip.compress(b"x", mtime=0), "packed twice with gzip"),
        (b"\xef\xbb\xbf <!DOCTYPE html><html>", "an HTML page"),
        (b'[{"MedInc": 8.3}]', "JSON"),
        (HEADER.encode("utf-16") + b"\x00", "damaged: it begins as UTF-16"),
        (f"{HEADER}\n{ROW}\n{HEADER.replace('MedInc,HouseAge', 'HouseAge,MedInc')}\n{ROW}".encode(),
         "line 3 is a header that differs from the first, 'HouseAge,MedInc"),
        (f"{HEADER}\n{ROW}\n{','.join(CENSUS_HEADER)}\n{CENSUS_ROW}".encode(), "that differs"),
        (b"a title\n\nand no header at all\n1,2,3\n", "known header, the first line is 'a title'"),
        (f"{HEADER}\n".replace(",", ";").encode(), "a header and no rows"),
    ],
)  # fmt: skip
def test_a_rejection_names_the_kind_of_the_file(content: bytes, says: str) -> None:
    with pytest.raises(UploadRejectedError, match=says):
        check_csv(content)


def test_a_number_that_can_be_read_in_two_ways_rejects_the_file() -> None:
    names = CANONICAL_HEADER
    cells = ["1", "4", "5", "1", "1,322", "2", "37", "-122", "4"]

    with pytest.raises(UploadRejectedError, match="'1,322' may be a decimal or thousands"):
        check_csv(f"{';'.join(names)}\n{';'.join(cells)}\n".encode())


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ('"a"b', "text follows a closing quote"),
        ('"a \\"quoted\\" note"', "text follows a closing quote"),
        ('"an open quote', "a quote opens in this line and is not closed"),
        (f'"{"z" * 140_000}"', "it has a field of over 131,072 characters"),
    ],
)
@pytest.mark.parametrize("after", [0, 3, 200])
def test_a_malformed_line_rejects_its_own_row_and_no_other(
    note: str, says: str, after: int
) -> None:
    rows = [f"{ROW},ok"] * 20 + [f"{ROW},{note}"] + [f"{ROW},ok"] * after

    read = check_csv("\n".join([f"{HEADER},note", *rows]).encode())

    (problem,) = read.problems
    assert (read.read, read.bad, len(read.rows)) == (21 + after, 1, 20 + after)
    assert (problem.row, problem.line, problem.reason) == (21, 22, says)


def test_an_open_quote_is_reported_where_it_opens_and_a_later_one_too() -> None:
    rows = [ROW + ",x"] * 4
    rows[1] = f'{ROW},"open'
    rows[3] = f'{ROW},"line\nend"'

    read = check_csv("\n".join([f"{HEADER},note", *rows, *rows]).encode())

    assert [(problem.row, problem.line) for problem in read.problems] == [(2, 3), (6, 8)]
    assert read.read == 8


def test_spaces_after_a_closing_quote_do_no_harm() -> None:
    quoted = " , ".join(f'"{cell}"' for cell in ROW.split(","))

    assert check_csv(f"{HEADER}\n{quoted}\n{quoted} \n".encode()).bad == 0


def test_the_remarks_say_what_was_read_otherwise_than_it_stands() -> None:
    text = f"a title\n{HEADER.lower()}\n{ROW.replace('.', ',')}\n".replace(",", ";")
    cells = text.splitlines()
    cells[2] = ";".join(cell.replace(".", ",") for cell in ROW.split(","))

    read = check_csv("\n".join(cells).encode("utf-16"))

    assert read.remarks == [
        "the text is UTF-16 and was read as such",
        "the line before the header, 'a title', was skipped",
        "columns were read by another spelling: "
        + ", ".join(f"'{name.lower()}' as {name}" for name in CANONICAL_HEADER),
        "numbers have a decimal comma, such as '8,3', and were read so",
    ]
    assert read.rows.tolist() == [[float(cell) for cell in ROW.split(",")]]


def test_quoted_decimal_commas_are_read_where_a_block_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retrain.training.upload.exact_reading.BLOCK_BYTES", 1)
    quoted = ",".join(f'"{cell.replace(".", ",")}"' for cell in ROW.split(","))
    whole = "1,1,1,1,1,1,37,-122,1"

    read = check_csv("\n".join([HEADER, *[quoted, whole, " , ", "x", quoted] * 9]).encode())

    assert (read.read, read.bad, read.blank) == (36, 9, 9)


def test_a_file_in_gzip_is_read_by_the_same_rules(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    text = HEADER.replace(",", ";") + "\n" + ROW.replace(",", ";").replace(".", ",") + "\n"
    upload.write_bytes(gzip.compress(text.encode("utf-16"), mtime=0))

    read, part = check_file(upload, tmp_path, Limits(1 << 20, 1 << 20, 0.1))

    assert (read.read, read.bad, part.rows) == (1, 0, 1)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("(41)", "negative numbers take a minus sign before them"),
        ("41-", "negative numbers take a minus sign before them"),
        ("41 years", "numbers take no unit"),
        ("01.04.2024", "it is a date: a spreadsheet may have made it of a number"),
        ("Jan-41", "it is a date: a spreadsheet may have made it of a number"),
        ("\\N", "it says that the value is missing"),
    ],
)
def test_a_cell_that_is_no_number_gets_the_reason(cell: str, hint: str) -> None:
    bad = ROW.replace(",41,", f",{cell},")

    read = check_csv(f"{HEADER}\n{ROW}\n{bad}\n".encode())

    assert [one.reason for one in read.problems] == [f"not a number: {hint}"]


def test_a_row_with_an_open_quote_has_that_problem_alone() -> None:
    cut = ROW.replace(",41,", ',"41,')

    read = check_csv(f"{HEADER}\n{ROW}\n{cut}\n{ROW}\n".encode())

    (problem,) = read.problems
    assert (problem.row, problem.column, problem.reason) == (
        2,
        None,
        "a quote opens in this line and is not closed",
    )


def test_decimal_commas_of_bad_rows_are_not_called_thousands() -> None:
    points = ROW.replace(",", ";")
    commas = points.replace(".", ",")

    read = check_csv("\n".join([HEADER.replace(",", ";"), *[points] * 3, commas]).encode())

    assert (read.read, read.bad, read.remarks) == (4, 1, [])


def test_skipped_lines_are_counted() -> None:
    read = check_csv(f"# exported\n# by R\n{HEADER}\n{ROW}\n".encode())

    assert read.remarks == ["the lines before the header, '# exported' and 1 more, were skipped"]
