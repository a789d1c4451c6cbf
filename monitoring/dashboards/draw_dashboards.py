"""Runs every panel's query against a Prometheus and draws the dashboards from what comes back.

    python monitoring/dashboards/draw_dashboards.py --prometheus http://127.0.0.1:9090 --out docs

It reads the JSON that Grafana reads. Panels without data are named; with ``--strict`` they are an
error. ``--hours`` overrides how far the dashboards look back, ``--boards`` their folder.
"""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from asking import PrometheusError, Range, ask, seconds_of
from drawing import draw

FOLDER = Path(__file__).resolve().parents[1] / "grafana/dashboards"
_HOUR = 3_600.0


def main() -> int:
    """Draw both; return the exit status."""
    options = _arguments()
    empty = []
    try:
        for path in sorted(options.boards.glob("*.json")):
            board: dict[str, Any] = json.loads(path.read_text())
            seconds = options.hours * _HOUR if options.hours else seconds_of(board["time"]["from"])
            shown = Range(options.end or time.time(), seconds)
            panels = [panel for panel in board["panels"] if panel["type"] != "row"]
            answers = {panel["id"]: ask(options.prometheus, panel, shown) for panel in panels}
            draw(board, answers, shown, options.out / f"dashboard-{path.stem}.png")
            empty += [f"{path.stem}: {p['title']}" for p in panels if not answers[p["id"]]]
    except PrometheusError as exc:
        sys.stderr.write(f"error: {exc}\n")
        return 2
    for panel in empty:
        print(f"no data: {panel}")
    return 1 if empty and options.strict else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--prometheus", required=True, help="its URL")
    parser.add_argument("--out", type=Path, required=True, help="folder of the pictures")
    parser.add_argument("--boards", type=Path, default=FOLDER, help="folder of the dashboards")
    parser.add_argument("--hours", type=float, help="how far to look back")
    parser.add_argument("--end", type=float, help="seconds since 1970; now, if left out")
    parser.add_argument("--strict", action="store_true", help="fail where a panel has no data")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
