"""Tests of the subject ``bricks``, which ``test_kinds.py`` runs in an interpreter of their own."""

import io
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from housing.schema import CANONICAL_COLUMNS, CANONICAL_HEADER
from housing_cli.data.describing import describe
from housing_cli.data.generating import generate
from retrain.training.dataset import levels
from retrain.training.dataset.dataset import digest_of, write_part
from retrain.training.dataset.drift import measure_drift
from retrain.training.dataset.identity import NONE, PointIndex, grouped, positions
from retrain.training.dataset.levels import LEVELS, of_metadata, of_today
from retrain.training.dataset.rows import Values, distinct
from retrain.training.errors import DatasetError
from retrain.training.upload import check as csv_check
from retrain.training.upload.exact_reading import blocks_of
from retrain.training.upload.fast_reading import read_plain
from retrain.training.upload.header import read_header
from retrain.training.upload.limits import Bounds

HEADER = ",".join(CANONICAL_HEADER)
GOOD = "3.5,4,11.5,red,Ito,yes,no,20"
CODES = [3.5, 4, 11.5, 0, 1, 1, 0, 20]
NASTY = [
    *("", " ", "NA", "nan", "None", "?", "-", "red", "Red", " red", "dark blue", "dark  blue"),
    *('"5,5"', "5,5", "Smith", "smith", "Me", "TRUE", "True", "t", "Y", "0", "1", "1.0", "2"),
    *("0.5", "3.0", "-1", "1e1", "inf", "abc", "é", '"red"', "oui"),
]


def checked(*lines: str) -> csv_check.CheckedUpload:
    return csv_check.check_csv("\n".join([HEADER, *lines, ""]).encode())


def test_cells_become_codes() -> None:
    result = checked(
        GOOD,
        "3.5,4.0,11.5, dark blue ,Smith,TRUE,F,20",
        '3.5,,, "5,5",Somebody,0,,20',
        "3.5,NA,nan,red,n/a,1,?,20",
    )

    nan = np.nan
    assert result.problems == []
    np.testing.assert_array_equal(
        result.rows,
        [
            CODES,
            [3.5, 4, 11.5, 1, 0, 1, 0, 20],
            [3.5, nan, nan, 2, 2, 0, nan, 20],
            [3.5, nan, nan, 0, nan, 1, nan, 20],
        ],
    )


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("3.5,4,11.5,Red,Ito,yes,no,20", "colour 'Red': unknown category: it is written 'red'"),
        ("3.5,4,11.5,pink,Ito,yes,no,20", "'pink': unknown category; known are: red, dark blue"),
        ("3.5,4,11.5,,Ito,yes,no,20", "colour '': blank"),
        ("3.5,4,11.5,red,Ito,oui,no,20", "glazed 'oui': not a boolean: write true or false"),
        ("3.5,4,11.5,red,Ito,NA,no,20", "glazed 'NA': not a boolean"),
        ("3.5,4.5,11.5,red,Ito,yes,no,20", "holes '4.5': not a whole number"),
        ("3.5,41,11.5,red,Ito,yes,no,20", "holes '41': outside 0 … 40"),
        (",4,11.5,red,Ito,yes,no,20", "weight '': blank"),
        ("3.5,4,11.5,red,Ito,yes,no,", "price '': blank"),
    ],
)
def test_a_bad_cell_is_reported_with_its_value(line: str, sentence: str) -> None:
    result = checked(GOOD, line)

    assert [sentence in str(one) for one in result.problems] == [True], result.problems
    np.testing.assert_array_equal(result.rows, [CODES])


def test_a_comma_in_a_category_is_no_decimal_mark() -> None:
    assert checked('3.5,4,11.5,"5,5",Ito,yes,no,20').remarks == []
    semicolons = (
        f"{HEADER.replace(',', ';')}\n3,5;4;11,5;5,5;Ito;yes;no;20\n3,5;4;11,5;red;Ito;yes;;20\n"
    )
    result = csv_check.check_csv(semicolons.encode())
    assert result.rows[:, 3].tolist() == [2, 0]
    assert result.rows[:, 0].tolist() == [3.5, 3.5]


def nasty_file(rng: random.Random) -> bytes:
    lines = [HEADER]
    nastiness = rng.choice([0, 0.02, 0.3])
    for _ in range(rng.choice([1, 30, 120])):
        cells = GOOD.split(",")
        if rng.random() < nastiness:
            cells[rng.randrange(len(cells))] = rng.choice(NASTY)
        lines.append(",".join(cells))
    return ("\n".join(lines) + "\n").encode()


def outcome(content: bytes) -> tuple[object, ...]:
    result = csv_check.check_csv(content)
    facts = (result.read, result.bad, result.bad_lines, result.problems, result.remarks)
    return (*facts, result.rows.tobytes())


def test_both_readings_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [nasty_file(random.Random(seed)) for seed in range(200)]
    with monkeypatch.context() as patch:
        patch.setattr(csv_check, "read_pieces", lambda block, _header: [(block, None)])
        exact = [outcome(content) for content in files]

    assert [outcome(content) for content in files] == exact


def test_usual_rows_are_read_fast() -> None:
    lines = [GOOD, "3.5,,11.5,dark blue,,TRUE,,20", '1,,,"red",Ito,1,0,20']
    text = "\n".join([HEADER, *lines * 10, ""]).encode()
    header, blocks, _ = read_header(iter(blocks_of_text(text)), Bounds())

    plain = read_plain(b"".join(blocks), header)

    assert plain is not None
    assert len(plain.vouched) == 30


def blocks_of_text(text: bytes) -> list[bytes]:
    return list(blocks_of(io.BytesIO(text), []))


def row(**values: float) -> Values:
    cells = dict(zip(CANONICAL_HEADER, CODES, strict=True)) | values
    return np.array([[cells[name] for name in CANONICAL_HEADER]])


def test_rows_are_the_same_only_with_equal_categories_and_missing_values() -> None:
    index = PointIndex()
    index.add(positions(row(width=np.nan)))

    same = [row(width=np.nan), row(width=np.nan, weight=3.51), row(width=-np.nan)]
    others = [row(), *(row(width=np.nan, **{name: value}) for name, value in OTHER.items())]
    assert all(index.find(positions(one))[0] == 0 for one in same)
    assert all(index.find(positions(one))[0] == NONE for one in others)
    assert grouped(positions(np.concatenate([*same, *others]))).tolist() == [
        *(0, 0, 0),
        *range(1, len(others) + 1),
    ]
    assert len(distinct(np.concatenate([same[0], same[2]]))[0]) == 1


OTHER = {"holes": 5.0, "colour": 1.0, "maker": 2.0, "glazed": 0.0, "used": np.nan, "weight": 4.0}


def test_a_part_names_its_categories_and_is_read_with_more_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = distinct(np.concatenate([row(), row(maker=2), row(maker=np.nan)]))[0]
    part = write_part(tmp_path / "part.parquet", [rows])
    written = of_metadata(pq.read_schema(part.path).metadata)
    assert written == {"colour": ["red", "dark blue", "5,5"], "maker": ["Smith", "Ito"]} == LEVELS
    assert digest_of(rows, written) == part.digest
    assert digest_of(rows, written | {"maker": ["Smith", "Me"]}) != part.digest

    def with_makers(*names: str) -> None:
        columns = [
            replace(one, categories=names) if one.name == "maker" else one
            for one in CANONICAL_COLUMNS
        ]
        monkeypatch.setattr(levels, "CANONICAL_COLUMNS", tuple(columns))

    with_makers("Smith", "Ito", "Me")
    makers = of_today(rows, written, "part")[:, CANONICAL_HEADER.index("maker")]
    assert sorted(makers[~np.isnan(makers)]) == [1, 3]  # the code of others has moved
    with_makers("Ito", "Smith")
    with pytest.raises(DatasetError, match="put these first, in this order, and add new"):
        of_today(rows, written, "part")


def many(seed: int, red: float, lacking: float) -> Values:
    rng = np.random.default_rng(seed)
    rows = np.repeat(row(), 2_000, axis=0)
    rows[:, 0] = rng.normal(10, 2, len(rows))
    rows[:, 2] = np.where(rng.random(len(rows)) < lacking, np.nan, rng.normal(10, 2, len(rows)))
    rows[:, 3] = np.where(rng.random(len(rows)) < red, 0, 1)
    return rows


def test_drift_of_levels_and_of_missing_values_is_found() -> None:
    drift = measure_drift(many(1, 0.2, 0.0), many(2, 0.8, 0.3), psi_limit=0.2, min_rows=50)

    assert {one.name for one in drift.columns if one.drifted} == {"width", "colour"}
    assert any("colour drifts" in one and "of the rows before" in one for one in drift.warnings)
    assert not any("nan" in one for one in drift.model_dump_json().split(","))


def test_rows_of_one_distribution_do_not_drift() -> None:
    drift = measure_drift(many(1, 0.5, 0.2), many(2, 0.5, 0.2), psi_limit=0.2, min_rows=50)
    of_nothing = measure_drift(many(1, 0.5, 1.0), many(2, 0.5, 1.0), psi_limit=0.2, min_rows=9)

    assert [*drift.warnings, *of_nothing.warnings] == []


def test_a_generated_table_is_one_that_an_upload_takes() -> None:
    text = generate(rows=500, seed=1).to_csv(index=False).encode()
    result = csv_check.check_csv(text)

    assert (result.read, result.problems) == (500, [])
    assert np.isnan(result.rows).any()
    assert text == generate(rows=500, seed=1).to_csv(index=False).encode()
    assert text != generate(rows=500, seed=2).to_csv(index=False).encode()


def test_a_described_table_shows_its_levels(tmp_path: Path) -> None:
    path = tmp_path / "bricks.csv"
    path.write_text(f"{HEADER}\n{GOOD}\n{GOOD}\n3.5,,,dark blue,Me,no,,20\n")
    facts = {one.name: one for one in describe(path).columns}

    assert facts["colour"].levels == {"red": 2, "dark blue": 1}
    assert facts["maker"].levels == {"Ito": 2, "other": 1}
    assert facts["used"].levels == {"no": 2}
    assert (facts["used"].missing, facts["width"].missing, facts["holes"].missing) == (1, 1, 1)
    assert (facts["colour"].minimum, facts["weight"].minimum) == (None, 3.5)
