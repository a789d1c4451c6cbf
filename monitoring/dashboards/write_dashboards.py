"""Writes the dashboards' JSON, which is what Grafana reads; ``make dashboards`` calls it.

Those of another table than the built-in one lie beside its own, in ``grafana/NAME``.
"""

import json
from pathlib import Path

from housing.schema import FOLDER as SUBJECT_PACKAGE
from model_dashboard import model_dashboard
from service_dashboard import service_dashboard
from subjects import DEFAULT

_SUBJECT = SUBJECT_PACKAGE.removeprefix("subjects.")
_GRAFANA = Path(__file__).resolve().parents[1] / "grafana"
FOLDER = _GRAFANA / ("dashboards" if _SUBJECT == DEFAULT else _SUBJECT)


def written() -> dict[str, str]:
    """Return the files by name."""
    made = {"service.json": service_dashboard(), "model.json": model_dashboard()}
    return {name: json.dumps(board, indent=2) + "\n" for name, board in made.items()}


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, text in written().items():
        (FOLDER / name).write_text(text)
    print(FOLDER)
