"""The fast reader accepts no line that the exact reader would judge differently."""

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fakes.tables import as_csv, housing_table
from housing.schema import CANONICAL_HEADER
from retrain.training.upload import check as csv_check
from retrain.training.upload.exact_reading import BLOCK_BYTES
from retrain.training.upload.fast_reading import read_pieces, read_plain
from retrain.training.upload.header import read_header
from retrain.training.upload.limits import Bounds
from subjects.california.schema import CENSUS_HEADER

FILES = 150
CANONICAL_ROW = ["8.3", "41", "6.98", "1.02", "322", "2.55", "37.88", "-122.23", "4.526"]
CENSUS_ROW = ["-122.2", "37.5", "41.0", "880", "129", "322", "126", "8.32", "452600"]
NASTY_NUMBERS = (
    "-0 +5 1e1 1E-2 1e999 1e-400 1_0 .5 5. -.5 - . e5 1e --1 1.2.3 1-2 00012 1e+01 1/2 1,5 0x1f"
)
NASTY_WORDS = "NaN nan inf -inf Infinity abc TRUE ٣ é \ufeff1"
NASTY_BLANKS = ["", "  ", " 3", "3 ", "\u00a03", "\x1c2", "1 2", '1"', "1" * 400]
NASTY_CELLS = [*NASTY_NUMBERS.split(" "), *NASTY_WORDS.split(" "), *NASTY_BLANKS]
NASTY_LINES = ["", "  ", "\t", '""', '"  "', "\ufeff", ";;", ",,,,,,,,", ' ,\t,"",', "\u00a0", ",x"]
NASTY_NOTES = ["a, b", "a;b", "x\ny", "x\r\ny", 'q"q', "NEAR BAY", "z" * 140_000]


def files() -> Iterator[bytes]:
    """Make files of all that people and programs do to a table, more of it in some than others."""
    for seed in range(FILES):
        yield nasty_file(random.Random(seed))


def nasty_file(rng: random.Random) -> bytes:
    is_census = rng.random() < 0.3
    names = list(CENSUS_HEADER if is_census else CANONICAL_HEADER)
    cells = list(CENSUS_ROW if is_census else CANONICAL_ROW)
    delimiter = rng.choice(",,,;\t")
    ends = rng.choice([["\n"], ["\r\n"], ["\r"], ["\n", "\r\n", "\r"]])
    nastiness = rng.choice([0, 0.01, 0.05, 0.3])
    quoted = rng.choice([0, 0, 0.1, 1])
    if rng.random() < 0.4:
        names.insert(3, "note")
        cells.insert(3, "2020-01-02")
    lines = [delimiter.join(names)]
    for _ in range(rng.choice([1, 3, 30, 120])):
        row = [f"{cell}{rng.randrange(10)}" if "." in cell else cell for cell in cells]
        if rng.random() < nastiness:
            row[rng.randrange(len(row))] = rng.choice(NASTY_CELLS)
        if "note" in names and rng.random() < nastiness:
            row[3] = rng.choice(NASTY_NOTES)
        if rng.random() < nastiness * 0.3:
            row = row[: rng.randrange(1, len(row) + 1)]
        if rng.random() < nastiness * 0.3:
            row += rng.choice([[""], ["", "x"], ["9"], ["  "]])
        lines.append(delimiter.join(written(cell, delimiter, quoted, rng) for cell in row))
        if rng.random() < nastiness * 0.2:
            lines.append(rng.choice(NASTY_LINES))
    text = "".join(line + rng.choice(ends) for line in lines)
    text = rng.choice(["", "", "\ufeff"]) + (text.rstrip("\r\n") if rng.random() < 0.3 else text)
    return text.encode()


def written(cell: str, delimiter: str, quoted: float, rng: random.Random) -> str:
    """Write a cell as CSV has it; one in fifty that needs quotes goes without."""
    needs_quotes = any(special in cell for special in (delimiter, '"', "\n", "\r"))
    if rng.random() < (0.98 if needs_quotes else quoted):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def outcome(content: bytes) -> tuple[Any, ...]:
    result = csv_check.check_csv(content)
    facts = (
        result.read,
        result.blank,
        result.bad,
        result.bad_lines,
        result.problems,
        result.problems_total,
    )
    return (*facts, result.problems_total, result.rows.shape, result.rows.tobytes())


@pytest.mark.parametrize(("block_bytes", "few_bytes"), [(100, 1_000), (2_000, 0), (BLOCK_BYTES, 0)])
def test_both_readings_find_the_same_in_nasty_files(
    monkeypatch: pytest.MonkeyPatch, block_bytes: int, few_bytes: int
) -> None:
    made = list(files())
    with monkeypatch.context() as patch:
        patch.setattr(csv_check, "read_pieces", lambda block, _header: [(block, None)])
        exact = [outcome(content) for content in made]

    monkeypatch.setattr("retrain.training.upload.exact_reading.BLOCK_BYTES", block_bytes)
    monkeypatch.setattr("retrain.training.upload.fast_reading._FEW_BYTES", few_bytes)

    for content, wanted in zip(made, exact, strict=True):
        assert outcome(content) == wanted, content[:2_000]
    malformed = sum(bool(bad) and any(line.fault for line in bad) for _, _, _, bad, *_ in exact)
    assert 0 < malformed < FILES / 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("style", ["plain", "quoted", "spaced", "with text"])
def test_usual_files_are_read_fast_but_for_their_bad_rows(end: str, style: str) -> None:
    table = housing_table(100).astype({"MedInc": object})
    table.loc[50, "MedInc"] = "abc"
    if style == "with text":
        table = table.assign(note="NEAR BAY")
    text = as_csv(table).decode().replace("\n", end)
    text = {
        "quoted": text.replace(",", '","').replace(end, f'"{end}"').removesuffix('"'),
        "spaced": text.replace(",", " , "),
    }.get(style, text)
    block = (f'"{text}' if style == "quoted" else text).encode()
    header, blocks, _ = read_header(iter([block]), Bounds())

    plain = read_plain(next(blocks), header)

    assert plain is not None
    assert plain.vouched.tolist() == [*range(50), *range(51, 100)]
    good = table.drop(index=50)[list(CANONICAL_HEADER)].to_numpy(dtype=np.float64)
    assert np.array_equal(plain.values, good)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoted", [True, False])
@pytest.mark.parametrize(
    "note", ['"a\nb"', '"a, b"', '"say ""so"""', '"open', '"x"y', '"a\n\n""\nb"', '"two\n","parts"']
)
def test_only_the_records_that_need_it_are_read_exactly(
    note: str, end: str, *, quoted: bool
) -> None:
    table = housing_table(1_000).assign(note="plain")
    lines = table.to_csv(index=False, quoting=1 if quoted else 0).splitlines()
    plain = '"plain"' if quoted else "plain"
    for place in (300, 700):
        lines[place] = lines[place].removesuffix(plain) + note.replace("\n", end)
    header, blocks, _ = read_header(iter([(end.join(lines) + end).encode()]), Bounds())

    pieces = [piece for block in blocks for piece in read_pieces(block, header)]

    exact = b"".join(piece for piece, lines in pieces if lines is None)
    accepted = sum(len(lines.vouched) for _, lines in pieces if lines is not None)
    assert b"".join(piece for piece, _ in pieces).count(b"plain") == 998
    assert exact.count(b"plain") < (450 if note == '"open' else 10)
    assert accepted + exact.count(b"plain") == 998
    assert 0 < exact.count(b"\n") < 450


@pytest.mark.parametrize("cell", ["1.2.3", "1-2", "--1", "1/2", "1e5e"])
def test_a_cell_that_only_looks_like_a_number_costs_no_more_than_its_own_row(cell: str) -> None:
    table = housing_table(100).astype({"MedInc": object})
    table.loc[50, "MedInc"] = cell
    header, blocks, _ = read_header(iter([as_csv(table)]), Bounds())

    plain = read_plain(next(blocks), header)

    assert plain is not None
    assert len(plain.vouched) == 99
