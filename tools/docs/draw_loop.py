"""Print ``docs/loop.svg``: the recorded loop of ``loop.json`` as a terminal shows it."""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_name("loop.json")
SHOWN_LINES = {"make run": 10, "set -a; . .local/env; set +a": 0}
"""Lines shown of a command; an ellipsis stands for the others."""
LEFT_OUT = ("housing models", "housing models --history")
_CELL, _LINE, _MARGIN = 8.0, 17, 16
_SGR = re.compile(r"\x1b\[([\d;]*)m")
_TOGETHER = re.compile(r"\S+(?: \S+)*")
_CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}
_HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace"
 font-size="13" fill="#d6deeb" xml:space="preserve">
<title>The loop on a laptop, recorded on {day}</title>
<style>.bold, .typed {{ font-weight: 700 }} .typed {{ fill: #ffffff }} .dim {{ opacity: .65 }}
.green {{ fill: #7fd88f }} .red {{ fill: #ff8a80 }} .yellow {{ fill: #f2cc60 }}
.cyan {{ fill: #79c8ff }}</style>
<rect width="100%" height="100%" rx="8" fill="#10161f" stroke="#3a4656"/>"""

Run = tuple[str, str]
"""Classes and a text."""


def shown(steps: list[dict[str, Any]]) -> Iterator[list[Run]]:
    """Yield the picture's lines."""
    typed: set[str] = set()
    for step in steps:
        command = step["command"]
        if command in LEFT_OUT:
            continue
        yield from _typed(command, again=command in typed)
        typed.add(command)
        limit = SHOWN_LINES.get(command, len(step["lines"]))
        yield from map(runs_of, step["lines"][:limit])
        if 0 < limit < len(step["lines"]):
            yield [("dim", "…")]
        yield []


def _typed(command: str, *, again: bool) -> Iterator[list[Run]]:
    first, *rest = command.splitlines()
    if again:
        first, rest = f"{first.removesuffix(chr(92))}… # the same house", []
    yield [("green", "$ "), ("typed", first)]
    yield from ([("typed", line)] for line in rest)


def runs_of(line: str) -> list[Run]:
    """Return a line's parts of one style each."""
    classes: list[str] = []
    runs: list[Run] = []
    text_and_codes = _SGR.split(line)
    for place, part in enumerate(text_and_codes):
        if place % 2 == 0:
            runs += [(" ".join(classes), part)] if part else []
        elif part in ("", "0"):
            classes = []
        else:
            classes += [_CLASSES[code] for code in part.split(";") if code in _CLASSES]
    return runs


def _drawn(runs: list[Run], y: int) -> Iterator[str]:
    """Draw a line; what stands apart by more than a space has a place of its own.

    The width of each text is given, so that columns stand below one another in any font.
    """
    column = 0
    for classes, text in runs:
        for word in _TOGETHER.finditer(text):
            x, wide = _MARGIN + (column + word.start()) * _CELL, len(word[0]) * _CELL
            yield (
                f'<text x="{x:g}" y="{y}" textLength="{wide:g}" class="{classes}">'
                f"{escape(word[0], quote=False)}</text>"
            )
        column += len(text)


def picture(record: dict[str, Any]) -> str:
    """Return the picture, an SVG."""
    lines = list(shown(record["steps"]))[:-1]
    width = 2 * _MARGIN + record["width"] * _CELL
    height = 2 * _MARGIN + len(lines) * _LINE
    texts = (
        text
        for number, runs in enumerate(lines, start=1)
        for text in _drawn(runs, _MARGIN + number * _LINE - 4)
    )
    head = _HEAD.format(width=f"{width:g}", height=height, day=record["day"])
    return "\n".join([head, *texts, "</svg>"])


if __name__ == "__main__":
    print(picture(json.loads(RECORD.read_text())))
