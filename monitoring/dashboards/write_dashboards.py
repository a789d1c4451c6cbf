"""Writes the dashboards' JSON, which is what Grafana reads; ``make dashboards`` calls it."""

import json
from pathlib import Path

from model_dashboard import model_dashboard
from service_dashboard import service_dashboard

FOLDER = Path(__file__).resolve().parents[1] / "grafana/dashboards"


def written() -> dict[str, str]:
    """Return the files by name."""
    made = {"service.json": service_dashboard(), "model.json": model_dashboard()}
    return {name: json.dumps(board, indent=2) + "\n" for name, board in made.items()}


if __name__ == "__main__":
    for name, text in written().items():
        (FOLDER / name).write_text(text)
