"""The README's picture is drawn from a recorded run; the diagram names what it connects."""

import json
import re
from xml.etree import ElementTree as ET

from typer.main import get_command

import draw_loop
import record_loop
from housing_cli.main import app
from housing_ops.checkout import CHECKOUT

ARCHITECTURE = (CHECKOUT / "docs/architecture.md").read_text()
RECORD = json.loads((CHECKOUT / "tools/docs/loop.json").read_text())
_SGR = re.compile(r"\x1b\[[\d;]*m")


def seen(command: str) -> list[str]:
    return [
        _SGR.sub("", line)
        for step in RECORD["steps"]
        if step["command"].startswith(command)
        for line in step["lines"]
    ]


def test_the_kept_picture_is_what_the_program_prints() -> None:
    kept = (CHECKOUT / "docs/loop.svg").read_text()

    assert kept == draw_loop.picture(RECORD) + "\n", (
        "python tools/docs/draw_loop.py > docs/loop.svg"
    )


def test_the_picture_is_svg_that_fetches_nothing() -> None:
    text = (CHECKOUT / "docs/loop.svg").read_text()

    assert ET.fromstring(text).tag.endswith("svg")  # noqa: S314 - our own file
    assert "http" not in re.sub(r"xmlns=\"[^\"]+\"|>[^<]*<", "", text)
    assert "<script" not in text


def test_the_diagram_of_the_architecture_defines_each_node_once() -> None:
    [diagram] = re.findall(r"```mermaid\n(.*?)```", ARCHITECTURE, re.DOTALL)
    defined = re.findall(r"\b([a-z]\w*)(?:\(\[|\[)", re.sub(r'"[^"]*"', "", diagram))
    [ours] = re.findall(r"^  class (\S+) ours$", diagram, re.MULTILINE)

    assert len(defined) == len(set(defined)) > 12
    assert {"predict", "admin", "retrain", "job", "notify"} == set(ours.split(",")) <= set(defined)
    for arrow in re.findall(r"^.*--.*$", diagram, re.MULTILINE):
        ends = re.sub(r'"[^"]*"|\[[^]]*\]|[^\w ]', " ", arrow).split()
        assert set(ends) <= set(defined), arrow


def test_the_recorded_commands_are_there() -> None:
    commands = [step["command"] for step in RECORD["steps"]]
    known = set(getattr(get_command(app), "commands", {}))

    assert commands[0] == "make run"
    assert {name for c in commands for name in re.findall(r"^housing (\w+)", c)} <= known


def test_the_recorded_loop_went_round() -> None:
    upload, models = "\n".join(seen("housing upload")), "\n".join(seen("housing models"))
    first, second = (json.loads(text) for text in _answers())

    assert re.search(r"state +succeeded", upload)
    assert re.search(r"promoted +yes", upload)
    assert re.search(r"● +2 +production", models)
    assert (first["model_version"], second["model_version"]) == ("1", "2")
    assert first["price_usd"] != second["price_usd"]
    assert seen("housing rollback")[:1] == ["version 1 is in production; the version before was 2"]


def test_no_key_and_no_path_of_a_machine_is_recorded() -> None:
    text = json.dumps(RECORD, ensure_ascii=False)

    assert "keys     predict …   admin …" in text
    assert not re.search(r"(?<![\w-])[\w-]{43}(?![\w-])", text)
    assert not re.search(r"/(home|root|work|tmp|Users)/", text)


def test_a_terminal_shows_what_stands_there_in_the_end() -> None:
    assert record_loop.seen("one\r\ntwo\r\n\x1b[1A\x1b[2K\x1b[32mthree\x1b[0m\r\n") == [
        "one",
        "\x1b[32mthree\x1b[0m",
    ]
    assert record_loop.seen("⠋ fit\r\x1b[2K⠙ fit\r\x1b[2K✓ fit  2 s\r\n\r\n") == ["✓ fit  2 s"]
    assert record_loop.seen("x" * 113 + "\r\n") == ["x" * 112, "x"]
    assert record_loop.seen(f"keys {'k' * 43} {'a' * 42}-\r\n") == ["keys … …"]


def test_a_line_is_drawn_in_its_colours_and_places() -> None:
    assert draw_loop.runs_of("\x1b[1;32ma\x1b[0m b") == [("bold green", "a"), ("", " b")]
    steps = [{"command": "x", "lines": ["  1  <2>"]}, {"command": "x", "lines": []}]
    text = draw_loop.picture({"day": "2026-01-01", "width": 20, "steps": steps})

    assert '<text x="32" y="46" textLength="8" class="">1</text>' in text
    assert "&lt;2&gt;" in text
    assert "# the same house" in text


def _answers() -> list[str]:
    return [
        "".join(step["lines"]) for step in RECORD["steps"] if step["command"].startswith("curl")
    ]
