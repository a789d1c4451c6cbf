"""Bounds on reading: a hostile file costs little, and no honest one is rejected."""

import gzip
import random
import subprocess
import sys
import textwrap
from itertools import chain, repeat
from pathlib import Path

import pytest

from fakes.tables import as_csv, housing_table
from housing.schema import CANONICAL_HEADER
from retrain.training.errors import UploadRejectedError
from retrain.training.upload import limits as bounds_of_files
from retrain.training.upload.check import CheckedUpload, Findings, check_csv, check_stream
from retrain.training.upload.ingest import check_file
from retrain.training.upload.limits import MOST_BLANK_LINES, Bounds, Limits

HEADER = ",".join(CANONICAL_HEADER) + "\n"
ROW = "8.3,41,6.9,1.02,322,2.55,37.88,-122.23,4.526\n"
QUOTED_ROW = '"8.3\n",41,6.9,1.02,322,2.55,37.88,-122.23,4.526\n'
BAD_ROW = ROW.replace("8.3", "x")
LIMITS = Limits(max_bytes=1 << 30, max_unpacked_bytes=1 << 30, max_bad_rows_share=0.1)
ENDS = ["\n", "\r\n", "\r"]
BLANK = [*ENDS, "  \n", "\t\n", ",,,,,,,,\n", " , ,\t,\n", '""\n', '"","\n"\n', "\u00a0\n"]


def checked(path: Path, content: bytes, limits: Limits = LIMITS) -> Findings:
    folder = path / str(len(list(path.iterdir())))
    folder.mkdir()
    upload = folder / "upload"
    upload.write_bytes(content)
    return check_file(upload, folder, limits)[0]


def packed(*texts: str) -> bytes:
    return gzip.compress("".join(texts).encode(), 9)


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("quick", [True, False])
def test_lines_without_a_value_are_counted_as_blank_and_are_no_rows(
    blank: str, *, quick: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.training.upload.fast_reading._FEW_BYTES", 0)
    if not quick:
        monkeypatch.setattr(
            "retrain.training.upload.check.read_pieces", lambda block, _: [(block, None)]
        )
    end = "\r" if blank == "\r" else "\n"
    text = blank * 30 + HEADER + blank * 20 + ROW + blank * 7 + BAD_ROW + ROW * 20 + blank * 50

    result = check_csv(text.replace("\n", end).encode() if end == "\r" else text.encode())

    (problem,) = result.problems
    lines_each = 2 if "\n" in blank[:-1] else 1
    assert (result.read, result.bad, result.blank) == (22, 1, 107)
    assert (problem.row, problem.line) == (2, 57 * lines_each + 3)


@pytest.mark.parametrize("blank", BLANK)
@pytest.mark.parametrize("before", [True, False])
def test_a_file_with_too_many_blank_lines_is_rejected(
    tmp_path: Path, blank: str, *, before: bool
) -> None:
    limits = Limits(1 << 20, 1 << 20, 0.1, max_blank_lines=100)
    most, over = (
        "".join([blank * count if before else "", HEADER, ROW, "" if before else blank * count])
        for count in (100, 101)
    )

    assert checked(tmp_path, most.encode(), limits).read == 1
    with pytest.raises(UploadRejectedError, match="over 100 blank lines, which is the limit"):
        checked(tmp_path, over.encode(), limits)


def test_a_whole_sheet_of_empty_rows_is_taken(tmp_path: Path) -> None:
    sheet = ROW * 100 + ",,,,,,,,\n" * (MOST_BLANK_LINES - 100)

    result = checked(tmp_path, packed(HEADER, sheet))

    assert (result.read, result.bad, result.blank) == (100, 0, MOST_BLANK_LINES - 100)


def test_an_honest_packed_file_is_taken_however_much_its_columns_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds_of_files, "_UNPACKED_BYTES", 0)
    monkeypatch.setattr(bounds_of_files, "_PACKED_ROWS", 0)
    table = housing_table(2_000).assign(source="https://example.org/the/same/source/of/all" * 100)
    content = as_csv(table)

    result = checked(tmp_path, gzip.compress(content))

    assert len(content) > 30 * len(gzip.compress(content))
    assert (result.read, result.bad) == (2_000, 0)


def test_a_packed_file_over_the_limit_is_rejected_with_advice_to_unpack_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds_of_files, "_UNPACKED_BYTES", 1 << 20)
    texts = HEADER, ROW, f'{ROW[:-1]},"{"a" * 100_000}"\n' * 20

    with pytest.raises(UploadRejectedError, match=r"over 1,048,576 bytes.*upload it unpacked"):
        checked(tmp_path, packed(*texts))

    assert checked(tmp_path, "".join(texts).encode()).read == 21


def test_a_packed_file_of_more_rows_than_it_can_hold_is_rejected(tmp_path: Path) -> None:
    texts = HEADER, ROW * 60_000

    with pytest.raises(UploadRejectedError, match=r"over 5\d,\d{3} rows.*upload it unpacked"):
        checked(tmp_path, packed(*texts))

    assert checked(tmp_path, "".join(texts).encode()).read == 60_000


def test_the_limit_of_an_unpacked_file_goes_before(tmp_path: Path) -> None:
    limits = Limits(1 << 20, 1 << 10, 0.1)

    with pytest.raises(UploadRejectedError, match="over 1,024 bytes"):
        checked(tmp_path, packed(HEADER, ROW * 100), limits)


@pytest.mark.parametrize("bad", [BAD_ROW, "x\n", QUOTED_ROW.replace("8.3", "x")])
@pytest.mark.parametrize("pack", [True, False])
def test_the_check_stops_once_the_bad_rows_are_too_many(
    tmp_path: Path, bad: str, *, pack: bool
) -> None:
    texts = HEADER, ROW, bad * 30_000, ROW * 10
    content = packed(*texts) if pack else "".join(texts).encode()

    result = checked(tmp_path, content)

    assert result.read < 25_000
    assert not result.is_whole
    reason = result.too_bad(0.1)
    assert reason is not None
    assert "so that the others were not read; the first: row 2, MedInc 'x" in reason


def test_a_file_that_was_read_to_its_end_is_not_said_to_be_cut(tmp_path: Path) -> None:
    result = checked(tmp_path, (HEADER + "x\n" * 30).encode())

    assert (result.read, result.is_whole) == (30, True)


def test_it_never_ends_where_a_file_could_still_be_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retrain.training.upload.check._EXACT_LINES", 7)
    monkeypatch.setattr(bounds_of_files, "_PACKED_ROWS", 0)
    verdicts = []
    for seed in range(60):
        chance = random.Random(seed)
        share, count = chance.choice([0.0, 0.05, 0.1, 0.3, 0.5, 1.0]), chance.randrange(20, 900)
        bad = int(count * min(1.0, share * chance.uniform(0.8, 1.2)))
        lines = ["x\n"] * bad + ["1,1,1,1,1,1,1,1,1\n"] * (count - bad)
        if chance.random() < 0.5:
            chance.shuffle(lines)
        content = "".join([HEADER, *lines]).encode()
        whole, limits = check_csv(content), Limits(1 << 20, 1 << 20, share)

        result = checked(tmp_path, content, limits)

        verdicts.append(whole.too_bad(share) is None)
        assert (result.too_bad(share) is None) == verdicts[-1]
        assert result.is_whole or result.read < whole.read

    assert {True, False} == set(verdicts)


@pytest.mark.parametrize("lines", ['"\n",', '"x\n', 'x\n"\n', '"x""\n'])
def test_endless_rows_are_bad_rows_before_memory_is_full(lines: str) -> None:
    class Endless:
        pieces = chain([(HEADER + ROW).encode()], repeat(lines.encode() * (1 << 18)))

        def read(self, size: int) -> bytes:
            assert size
            return next(self.pieces)

    findings, blocks = check_stream(Endless(), Bounds(bad_rows=1_000))

    assert sum(len(block.rows) for block in blocks) == 1
    assert 1_000 < findings.bad <= 20_000
    assert not findings.is_whole


def test_a_header_of_more_columns_than_a_sheet_has_is_rejected() -> None:
    wide = HEADER.strip() + "," * (16_384 - 9)

    assert check_csv(f"{wide}\n{ROW}".encode()).read == 1
    with pytest.raises(UploadRejectedError, match="the header has 16,385 columns; 16,384 is"):
        check_csv(f"{wide},\n{ROW}".encode())


@pytest.mark.parametrize("end", ENDS)
def test_blocks_are_cut_where_they_have_many_lines_or_fields(
    monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    text = (HEADER + ROW * 40 + BAD_ROW + ",,,,\n\n" * 100 + ROW).replace("\n", end).encode()
    whole = check_csv(text)

    for most_lines, most_fields in ((1, 1 << 20), (1 << 20, 1), (10, 100)):
        monkeypatch.setattr("retrain.training.upload.exact_reading._MOST_LINES", most_lines)
        monkeypatch.setattr("retrain.training.upload.exact_reading.MOST_FIELDS", most_fields)

        assert outcome(check_csv(text)) == outcome(whole)


def outcome(result: CheckedUpload) -> tuple[object, ...]:
    facts = result.read, result.bad, result.blank, result.problems
    return *facts, result.rows.tobytes()


HOSTILE = {
    "blank lines": '[HEADER, ROW, *repeated(" \\n")]',
    "blank lines first": '[*repeated("\\n"), HEADER, ROW]',
    "empty rows": '[HEADER, ROW, *repeated(",,,,,,,,\\n")]',
    "blank cells of two lines": '[HEADER, ROW, *repeated(\'"\\n\\n","\\n"\\n\')]',
    "short rows": '[HEADER, ROW, *repeated("x\\n")]',
    "good rows of two lines": "[HEADER, *repeated(QUOTED_ROW)]",
    "empty rows of endless cells": '[HEADER, ROW, *repeated("," * 500_000 + "\\n")]',
    "rows of endless cells": '[HEADER, *repeated(ROW[:-1] + "," * 500 + "\\n")]',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_no_small_file_takes_long_or_much_memory(case: str, tmp_path: Path) -> None:
    program = f"""
        import gzip, resource, sys, zlib
        from pathlib import Path
        from retrain.training.errors import UploadRejectedError
        from retrain.training.upload.ingest import check_file
        from retrain.training.upload.limits import Limits

        HEADER, ROW, QUOTED_ROW = {HEADER!r}, {ROW!r}, {QUOTED_ROW!r}

        def repeated(unit):
            unit *= max(1, 1_000_000 // len(unit))
            return [unit] * (100_000_000 // len(unit))

        pack = zlib.compressobj(9, zlib.DEFLATED, 31)
        content = b"".join(pack.compress(text.encode()) for text in {HOSTILE[case]}) + pack.flush()
        assert len(content) < 1 << 20
        upload = Path(sys.argv[1], "upload")
        upload.write_bytes(content)
        before = resource.getrusage(resource.RUSAGE_SELF)
        try:
            limits = Limits(1 << 30, 10 << 30, 0.1)
            findings, _ = check_file(upload, upload.parent, limits)
            is_taken = findings.too_bad(0.1) is None
        except UploadRejectedError:
            is_taken = False
        after = resource.getrusage(resource.RUSAGE_SELF)
        print(is_taken, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )

    is_taken, seconds, kilobytes = done.stdout.split()
    assert is_taken == "False"
    assert float(seconds) < 4  # about 1; it was 10 to over 100
    assert int(kilobytes) < 300_000
