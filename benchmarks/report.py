"""Writing results down: JSON for programs, and a section of ``benchmarks/README.md`` for people."""

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
README = FOLDER / "README.md"


def machine() -> str:
    """Describe the machine, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "?")
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def write(name: str, results: dict[str, Any], text: str) -> None:
    """Write ``results/NAME.json`` and put text between the marks of the README's section."""
    stamped = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "machine": machine(), **results}
    path = FOLDER / "results" / f"{name}.json"
    path.write_text(json.dumps(stamped, indent=1) + "\n")
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    page = README.read_text()
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    head = f"Measured {stamped['date']} on: {stamped['machine']}."
    README.write_text(f"{before}{begin}\n{head}\n\n{text}\n{end}{after}")


def table(headings: list[str], rows: list[list[str]]) -> str:
    """Return a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
