"""Checking uploads: accepted and rejected files, with place and reason."""

import numpy as np
import pytest

from fakes.tables import as_csv, census_table, housing_table
from housing.schema import CANONICAL_HEADER
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.check import LISTED_PROBLEMS, CheckedUpload, check_csv, check_stream

HEADER = ",".join(CANONICAL_HEADER)
ROW = "8.3,41,6.9,1.02,322,2.55,37.88,-122.23,4.526"


def checked(*lines: str, end: str = "\n") -> CheckedUpload:
    return check_csv(end.join([HEADER, *lines, ""]).encode())


def with_cell(column: str, cell: str) -> str:
    cells = ROW.split(",")
    cells[CANONICAL_HEADER.index(column)] = cell
    return ",".join(cells)


def test_a_good_file_is_taken_to_the_last_digit() -> None:
    table = housing_table(50)

    result = check_csv(as_csv(table))

    assert (result.read, result.bad_lines, result.problems) == (50, [], [])
    assert np.array_equal(result.rows, table.to_numpy())


def test_columns_may_come_in_any_order_and_extra_ones_are_listed() -> None:
    table = housing_table(20)
    shuffled = table.assign(id="x", ocean_proximity="INLAND").iloc[:, ::-1]

    result = check_csv(as_csv(shuffled))

    assert np.array_equal(result.rows, table.to_numpy())
    assert result.header.ignored == ("ocean_proximity", "id")


def test_the_census_files_own_header_is_converted() -> None:
    result = check_csv(as_csv(census_table(20)))

    assert result.rows == pytest.approx(
        housing_table(20).assign(Population=1_200.0, AveOccup=3.0).to_numpy()
    )
    assert result.header.ignored == ("ocean_proximity",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_and_a_byte_order_mark_are_read(end: str) -> None:
    content = "\ufeff" + end.join([HEADER, ROW, ROW])

    assert check_csv(content.encode()).read == 2


def test_blank_lines_are_no_rows() -> None:
    result = checked("", ROW, "   ", with_cell("MedInc", "x"), "")

    assert result.read == 2
    assert (result.problems[0].row, result.problems[0].line) == (2, 5)


def test_names_and_cells_may_have_spaces_around_them() -> None:
    content = f"{HEADER.replace(',', ' , ')}\n{ROW.replace(',', ' , ')}\n"

    assert not check_csv(content.encode()).problems


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "blank"),
        ("abc", "not a number"),
        ("NaN", "not finite"),
        ("1_000", "not a number: it has underscores"),
        ('"1,5"', "not a number: decimals take a point, not a comma"),
        ("\uff14\uff11", "not a number: it has characters that look alike (U+FF14, U+FF11)"),
        ("\u22122.5", "not a number: it has characters that look alike (U+2212)"),
        ("NA", "not a number: it says that the value is missing"),
        ("$8", "not a number: numbers take no currency or percent sign"),
        ("83000", "outside 0 … 100 $10,000: it looks like dollars, the unit is $10,000"),
        ("inf", "not finite"),
        ("1e999", "not finite"),
        ("-0.1", "outside 0 … 100 $10,000"),
        ("100.1", "outside 0 … 100 $10,000"),
    ],
)
def test_a_bad_cell_is_reported_with_its_place_and_reason(cell: str, reason: str) -> None:
    result = checked(ROW, with_cell("MedInc", cell), ROW)

    (problem,) = result.problems
    assert (problem.row, problem.line, problem.column) == (2, 3, "MedInc")
    assert (problem.value, problem.reason) == (cell.strip('"'), reason)
    assert (result.read, len(result.rows), len(result.bad_lines)) == (3, 2, 1)


@pytest.mark.parametrize("cell", ["0", "100"])
def test_limits_belong_to_the_range(cell: str) -> None:
    assert not checked(with_cell("MedInc", cell)).problems


def test_a_row_with_several_bad_cells_is_one_bad_row() -> None:
    result = checked("x,y,6.9,1.02,322,2.55,37.88,-122.23,", ROW)

    assert len(result.bad_lines) == 1
    assert [problem.column for problem in result.problems] == ["MedInc", "HouseAge", "MedHouseVal"]


def test_a_short_row_lacks_its_last_cells() -> None:
    result = checked("8.3,41,6.9,1.02,322,2.55,37.88", ROW)

    assert [(problem.column, problem.reason) for problem in result.problems] == [
        ("Longitude", "blank"),
        ("MedHouseVal", "blank"),
    ]


def test_a_row_with_surplus_fields_is_bad_as_a_whole() -> None:
    result = checked(ROW, f"1,{ROW}")

    assert result.problems[0].column is None
    assert result.problems[0].reason == "10 fields where the header has 9"
    assert len(result.rows) == 1


def test_commas_at_the_ends_of_lines_do_no_harm() -> None:
    assert not checked(f"{ROW},,", ROW).problems


def test_a_bad_census_cell_is_named_as_the_file_names_it() -> None:
    table = census_table(3).astype({"total_rooms": object})
    table.loc[1, "total_rooms"] = "many"

    (problem,) = check_csv(as_csv(table)).problems

    assert (problem.row, problem.column, problem.value) == (2, "total_rooms", "many")


def test_a_census_value_that_gives_an_impossible_one_says_what_it_gives() -> None:
    table = census_table(3)
    table.loc[2, "total_rooms"] = 4_000_000

    (problem,) = check_csv(as_csv(table)).problems

    assert problem.reason == "gives AveRooms 10000, outside 0.01 … 1000 rooms"


def test_no_households_make_a_bad_row_and_no_warning() -> None:
    table = census_table(3)
    table.loc[0, "households"] = 0

    result = check_csv(as_csv(table))

    assert len(result.bad_lines) == 1
    assert "households" in {problem.column for problem in result.problems}


def test_a_blank_number_of_households_is_one_problem() -> None:
    table = census_table(3)
    table.loc[0, "households"] = np.nan

    (problem,) = check_csv(as_csv(table)).problems

    assert (problem.column, problem.reason) == ("households", "blank")


def test_the_list_of_problems_is_bounded_and_their_number_is_not() -> None:
    rows = LISTED_PROBLEMS + 500

    result = checked(*[with_cell("MedInc", "x")] * rows)

    assert (len(result.problems), result.problems_total) == (LISTED_PROBLEMS, rows)


@pytest.mark.parametrize("block_bytes", [1, 100, 1_000])
def test_rows_are_numbered_through_blocks(
    monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr("retrain.training.upload.exact_reading.BLOCK_BYTES", block_bytes)

    result = checked(ROW, "", ROW, with_cell("MedInc", "x"), ROW)

    (problem,) = result.problems
    assert (result.read, len(result.rows)) == (4, 3)
    assert (problem.row, problem.line) == (3, 5)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_the_header_says_what_separates_fields(delimiter: str, quote: str) -> None:
    lines = [HEADER, ROW, ROW.replace("322", "-1")]
    fields = ([f"{quote}{cell}{quote}" for cell in line.split(",")] for line in lines)

    result = check_csv("\n".join(map(delimiter.join, fields)).encode())

    assert (result.read, len(result.rows)) == (2, 1)
    assert (result.problems[0].column, result.problems[0].value) == ("Population", "-1")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_decimal_comma_is_a_problem_with_a_reason(delimiter: str) -> None:
    content = f"{HEADER}\n{ROW}".replace(",", delimiter).replace("8.3", "8,3")

    (problem,) = check_csv(content.encode()).problems

    assert problem.value == "8,3"
    assert problem.reason == "not a number: decimals take a point, not a comma"


def test_a_line_without_end_is_rejected_before_memory_is_full() -> None:
    class Endless:
        def read(self, size: int) -> bytes:
            return b"1," * (size // 2)

    with pytest.raises(UploadRejectedError, match="a line of over 524,288 bytes"):
        check_stream(Endless())


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b"\xef\xbb\xbf\n", "the file is empty"),
        (f"{HEADER}\n".encode(), "a header and no rows"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG picture, not CSV"),
        (b"\x07\0\x01binary", "binary"),
        (b"<html><body>404</body></html>", "an HTML page, not CSV"),
        (b'{"MedInc": 8.3}', "JSON, not CSV"),
        (b"a,b,c\n1,2,3\n", "no known header, the first line is 'a,b,c'"),
        (ROW.encode(), "the file has no header: its first line is data, '8.3,41"),
        (HEADER.replace(",", " ").encode(), "the columns are separated by spaces"),
        (f"{HEADER.replace(',', ' (x),')} (x)\n{ROW}\n".encode(), "a unit in brackets: the first"),
        (f"{HEADER.replace(',', ' [x],')} [x]\n{ROW}\n".encode(), "a unit in brackets: the first"),
        (b'"MedInc\n(x)","HouseAge\n(x)"\n1,2\n', "has a line end in its quotes"),
        (f"{HEADER},MedInc\n{ROW},1\n".encode(), "MedInc appears more than once"),
    ],
)
def test_a_file_that_is_not_a_csv_of_rows_is_rejected_with_the_reason(
    content: bytes, reason: str
) -> None:
    with pytest.raises(UploadRejectedError, match=reason):
        check_csv(content)


def test_missing_columns_are_named_and_so_are_the_accepted_headers() -> None:
    table = housing_table(3).drop(columns=["AveOccup", "Latitude"])

    with pytest.raises(UploadRejectedError) as caught:
        check_csv(as_csv(table))

    assert "missing columns AveOccup, Latitude;" in str(caught.value)
    assert HEADER.replace(",", ", ") in str(caught.value)
    assert "total_bedrooms" in str(caught.value)


def test_a_missing_column_of_a_census_file_has_its_census_name() -> None:
    table = census_table(3).drop(columns="households")

    with pytest.raises(UploadRejectedError, match="missing column households;"):
        check_csv(as_csv(table))
