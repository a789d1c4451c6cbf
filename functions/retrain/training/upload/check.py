"""Check an upload block by block: good rows as numbers, problems of the bad ones."""

import io
import sys
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields
from itertools import islice

import numpy as np

from housing.schema import CANONICAL_COLUMNS
from retrain.training.dataset.rows import Values
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.cell_check import Problem, check_lines
from retrain.training.upload.dialect import adapted, without_line_quotes
from retrain.training.upload.encoding import Readable
from retrain.training.upload.exact_reading import (
    Line,
    Place,
    blocks_of,
    read_lines,
)
from retrain.training.upload.fast_reading import PlainLines, read_pieces
from retrain.training.upload.header import Header, is_other_header, read_header
from retrain.training.upload.limits import Bounds

LISTED_PROBLEMS = 1_000
_EXACT_LINES = 5_000
_SHOWN_CHARACTERS = 120
_UNBOUNDED = Bounds()
_SWITCH_SECONDS = 1e-4
_BLOCKS_AHEAD = 2  # read by threads while rows are hashed: a reading is mostly Arrow's and NumPy's


@dataclass(slots=True)
class Findings:
    """Running result of a check; lists the first ``LISTED_PROBLEMS`` problems."""

    header: Header
    read: int = 0
    bad: int = 0
    blank: int = 0
    """Number of blank lines, including those before the header, and of repeated headers."""
    is_whole: bool = True
    """Whether the file was read to its end; reading stops once too many rows are bad."""
    problems_total: int = 0
    problems: list[Problem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    """Everything unusual about the file that was read all the same."""

    @property
    def bad_share(self) -> float:
        """Share of the rows that are bad."""
        return self.bad / self.read

    def too_bad(self, most_share: float) -> str | None:
        """Return why the upload is rejected whole, or None if enough rows are good."""
        if self.bad_share <= most_share:
            return None
        rest = "" if self.is_whole else ", so that the others were not read"
        return (
            f"{self.bad:,} of {self.read:,} rows are bad "
            f"({self.bad_share:.1%}; {most_share:.0%} is the limit){rest}; "
            f"the first: {self.problems[0]}"
        )


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """The rows of a block: good ones as numbers, bad ones as text."""

    rows: Values
    bad_lines: list[Line]


@dataclass(slots=True)
class CheckedUpload(Findings):
    """A whole upload in memory."""

    rows: Values = field(default_factory=lambda: np.empty((0, len(CANONICAL_COLUMNS))))
    bad_lines: list[Line] = field(default_factory=list)


def check_csv(content: bytes) -> CheckedUpload:
    """Check a CSV that is in memory; see ``check_stream``.

    Raises:
        UploadRejectedError: The content is not a CSV with a known header and at least one row.
    """
    findings, blocks = check_stream(io.BytesIO(content))
    good, bad_lines = [], []
    for block in blocks:
        good.append(block.rows)
        bad_lines += block.bad_lines
    facts = {one.name: getattr(findings, one.name) for one in fields(findings)}
    return CheckedUpload(**facts, rows=np.concatenate(good), bad_lines=bad_lines)


def check_stream(
    stream: Readable, bounds: Bounds = _UNBOUNDED, *, has_target: bool = True
) -> tuple[Findings, Iterator[CheckedBlock]]:
    """Check a CSV with either header, in memory for a few blocks.

    Args:
        stream: The CSV.
        bounds: Limits on reading.
        has_target: Whether rows have the target, the last column; else they are features alone.

    Returns:
        The findings, complete once the iterator is exhausted, and the rows, block by block.

    Raises:
        UploadRejectedError: The content is not a CSV with a known header and at least one row; the
            iterator raises it too, for invalid CSV or an exceeded bound.
    """
    remarks: list[str] = []
    header, blocks, place = read_header(
        blocks_of(stream, remarks), bounds, remarks, has_target=has_target
    )
    if header.are_lines_quoted:
        blocks = map(without_line_quotes, blocks)
    header, blocks = adapted(header, blocks, remarks)
    findings = Findings(header, blank=place.blank, remarks=remarks)
    return findings, _checked(findings, bounds, blocks, place)


def _checked(
    findings: Findings, bounds: Bounds, blocks: Iterator[bytes], place: Place
) -> Iterator[CheckedBlock]:
    header, is_lost = findings.header, False
    with closing(_read_ahead(blocks, header)) as ahead:
        for block, plain in ahead:
            if plain is None:
                following = (block for block, _ in ahead)
                lines = read_lines(block, following, header.dialect, place, bounds)
                checked = _exactly(findings, lines)
            else:
                checked = _quickly(findings, plain, plain.others(header.dialect, place))
            for some in checked:
                if is_lost:
                    findings.is_whole = False
                    return
                yield some
                bounds.check_lines(findings.read, place.blank)
                is_lost = bounds.bad_rows is not None and findings.bad > bounds.bad_rows
            findings.read, findings.blank = place.row, place.blank
            bounds.check_lines(findings.read, findings.blank)
    if not findings.read:
        msg = "the file has a header and no rows"
        raise UploadRejectedError(msg)


def _read_ahead(
    blocks: Iterator[bytes], header: Header
) -> Generator[tuple[bytes, PlainLines | None]]:
    waiting: deque[Future[list[tuple[bytes, PlainLines | None]]]] = deque()
    with _prompt_switches(), ThreadPoolExecutor(_BLOCKS_AHEAD) as pool:
        for block in blocks:
            waiting.append(pool.submit(read_pieces, block, header))
            if len(waiting) > _BLOCKS_AHEAD:
                yield from waiting.popleft().result()
        for pieces in waiting:
            yield from pieces.result()


@contextmanager
def _prompt_switches() -> Iterator[None]:
    """Shorten the interpreter's switch interval, for threads that return from Arrow or NumPy.

    Else each step of a reading waits 5 ms for the thread that hashes rows.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _exactly(findings: Findings, lines: Iterator[Line]) -> Iterator[CheckedBlock]:
    for judged in _judged(findings, enumerate(lines)):
        yield CheckedBlock(judged.values, judged.bad_lines)


def _quickly(
    findings: Findings, plain: PlainLines, others: Iterator[tuple[int, Line]]
) -> Iterator[CheckedBlock]:
    """Yield the rows of the fast reader, with the good rows of other lines merged in order."""
    begin = 0
    for judged in _judged(findings, others):
        end = int(np.searchsorted(plain.vouched, judged.last))
        values = plain.values[begin:end]
        if judged.good:
            order = np.argsort(np.concatenate([plain.vouched[begin:end], judged.good]))
            values = np.concatenate([values, judged.values])[order]
        yield CheckedBlock(values, judged.bad_lines)
        begin = end
    if begin < len(plain.values):
        yield CheckedBlock(plain.values[begin:], [])


@dataclass(frozen=True, slots=True)
class _Judged:
    """A batch of lines that were checked exactly, by their indices."""

    good: list[int]
    values: Values
    """Values of the good lines."""
    bad_lines: list[Line]
    last: int


def _judged(findings: Findings, numbered: Iterator[tuple[int, Line]]) -> Iterator[_Judged]:
    """Check lines exactly, some thousands at a time, and record their problems."""
    while some := list(islice(numbered, _EXACT_LINES)):
        checked = check_lines(findings.header, [line for _, line in some])
        is_bad = checked.is_bad
        _check_no_other_header(line for line, bad in zip(checked.lines, is_bad, strict=True) if bad)
        findings.read = some[-1][1].row
        findings.bad += int(np.count_nonzero(is_bad))
        findings.problems_total += checked.problems_total
        findings.problems += checked.problems(LISTED_PROBLEMS - len(findings.problems))
        yield _Judged(
            [some[index][0] for index in np.flatnonzero(~is_bad)],
            checked.values[~is_bad],
            [some[index][1].trimmed() for index in np.flatnonzero(is_bad)],
            some[-1][0],
        )


def _check_no_other_header(bad_lines: Iterator[Line]) -> None:
    """Check that no other header follows the first, as where files were joined.

    Raises:
        UploadRejectedError: The rows after one would be read by the first header.
    """
    for line in bad_lines:
        if is_other_header(line.fields):
            msg = (
                f"line {line.line:,} is a header that differs from the first, "
                f"'{','.join(line.fields)[:_SHOWN_CHARACTERS]}': upload the files one by one"
            )
            raise UploadRejectedError(msg)
