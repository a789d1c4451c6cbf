"""Checking an upload block by block: the good rows as numbers, what is wrong with the others."""

import io
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice

import numpy as np

from housing.schema import CANONICAL_COLUMNS
from retrain.training.dataset.rows import Values
from retrain.training.errors import UploadRejectedError
from retrain.training.upload.blocks import Readable, blocks_of, check_text
from retrain.training.upload.cell_check import Problem, check_lines
from retrain.training.upload.exact_reading import Line, Place, read_lines
from retrain.training.upload.fast_reading import PlainLines, read_plain
from retrain.training.upload.header import Header, read_header

LISTED_PROBLEMS = 1_000
_EXACT_LINES = 20_000
_SWITCH_SECONDS = 1e-4
_BLOCKS_AHEAD = 2  # read by threads while rows are hashed: a reading is mostly Arrow's and NumPy's


@dataclass(slots=True)
class Findings:
    """What is known of an upload, so far; the first ``LISTED_PROBLEMS`` problems are listed."""

    header: Header
    read: int = 0
    bad: int = 0
    problems_total: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def bad_share(self) -> float:
        """Share of the rows that are bad."""
        return self.bad / self.read

    def too_bad(self, most_share: float) -> str | None:
        """Return why the upload is rejected whole, or None where enough of it is good."""
        if self.bad_share <= most_share:
            return None
        return (
            f"{self.bad:,} of {self.read:,} rows are bad "
            f"({self.bad_share:.1%}; {most_share:.0%} is the limit); the first: {self.problems[0]}"
        )


@dataclass(frozen=True, slots=True)
class CheckedBlock:
    """The rows of a block: the good ones as numbers, the bad ones as they are."""

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
        UploadRejectedError: The content is no CSV with a known header and at least one row.
    """
    findings, blocks = check_stream(io.BytesIO(content))
    good, bad_lines = [], []
    for block in blocks:
        good.append(block.rows)
        bad_lines += block.bad_lines
    facts = (findings.header, findings.read, findings.bad)
    problems = (findings.problems_total, findings.problems)
    return CheckedUpload(*facts, *problems, np.concatenate(good), bad_lines)


def check_stream(stream: Readable) -> tuple[Findings, Iterator[CheckedBlock]]:
    """Check a CSV with either header, in memory for a few blocks.

    Returns:
        What is found, whole when the iterator has ended, and the rows, block by block.

    Raises:
        UploadRejectedError: The content is no CSV with a known header and at least one row; the
            iterator raises it too, where it meets what is not CSV.
    """
    blocks = blocks_of(stream)
    header, rest, lines = read_header(blocks)
    findings = Findings(header)
    return findings, _checked(findings, rest, blocks, Place(0, lines))


def _checked(
    findings: Findings, rest: bytes, blocks: Iterator[bytes], place: Place
) -> Iterator[CheckedBlock]:
    ahead = _read_ahead(chain([rest] if rest else [], blocks), findings.header)
    for block, plain in ahead:
        check_text(block, place.line)
        if plain is None:
            following = (block for block, _ in ahead)
            yield from _exactly(findings, block, following, place)
        else:
            yield _quickly(findings, plain, place)
        findings.read = place.row
    if not findings.read:
        msg = "the file has a header and no rows"
        raise UploadRejectedError(msg)


def _read_ahead(
    blocks: Iterator[bytes], header: Header
) -> Iterator[tuple[bytes, PlainLines | None]]:
    waiting: deque[tuple[bytes, Future[PlainLines | None]]] = deque()
    with _prompt_switches(), ThreadPoolExecutor(_BLOCKS_AHEAD) as pool:
        for block in blocks:
            waiting.append((block, pool.submit(read_plain, block, header)))
            if len(waiting) > _BLOCKS_AHEAD:
                earliest, plain = waiting.popleft()
                yield earliest, plain.result()
        for block, plain in waiting:
            yield block, plain.result()


@contextmanager
def _prompt_switches() -> Iterator[None]:
    """Let threads that come back from Arrow or NumPy have the interpreter soon.

    Else each of a reading's steps waits 5 ms for rows to be hashed, and the two take turns.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _exactly(
    findings: Findings, block: bytes, following: Iterator[bytes], place: Place
) -> Iterator[CheckedBlock]:
    lines = read_lines(block, following, findings.header.delimiter, place)
    while some := list(islice(lines, _EXACT_LINES)):
        _, values, bad_lines = _judged(findings, enumerate(some))
        yield CheckedBlock(values, bad_lines)


def _quickly(findings: Findings, plain: PlainLines, place: Place) -> CheckedBlock:
    others = plain.others(findings.header.delimiter, place)
    indices, values, bad_lines = _judged(findings, others)
    if not indices:
        return CheckedBlock(plain.values, bad_lines)
    order = np.argsort(np.concatenate([plain.vouched, indices]))
    return CheckedBlock(np.concatenate([plain.values, values])[order], bad_lines)


def _judged(
    findings: Findings, numbered: Iterable[tuple[int, Line]]
) -> tuple[list[int], Values, list[Line]]:
    """Note what is wrong with lines; return the good ones' numbers and values, and the bad ones."""
    found = list(numbered)
    if not found:
        return [], np.empty((0, len(CANONICAL_COLUMNS))), []
    checked = check_lines(findings.header, [line for _, line in found])
    is_bad = checked.is_bad
    findings.bad += int(np.count_nonzero(is_bad))
    findings.problems_total += checked.problems_total
    findings.problems += checked.problems(LISTED_PROBLEMS - len(findings.problems))
    good = [found[index][0] for index in np.flatnonzero(~is_bad)]
    return good, checked.values[~is_bad], [found[index][1] for index in np.flatnonzero(is_bad)]
