"""The graph that predicts a file here, and the facts of its predictions."""

from pathlib import Path
from typing import Any, NamedTuple

from housing.registry.port import PRODUCTION, ModelRegistry, Tag, download_model
from housing_cli.errors import DataFileError
from retrain.training.batch.prediction import FilePredictions

_GZIP = b"\x1f\x8b"


class Graph(NamedTuple):
    """A version's graph; its name, and the proof of its trees."""

    model: bytes
    name: str
    proof: str | None = None


def registered_graph(registry: ModelRegistry, number: str | None) -> Graph:
    """Return the graph of a version; by default of the one in production."""
    version = registry.version(number) if number else registry.version_by_alias(PRODUCTION)
    name = f"{version.name} version {version.version}"
    return Graph(download_model(registry, version), name, version.tags.get(Tag.TREES))


def graph_of_file(path: Path) -> Graph:
    """Return a graph that ``housing train`` wrote.

    Raises:
        DataFileError: It cannot be read.
    """
    try:
        return Graph(path.read_bytes(), str(path))
    except OSError as exc:
        msg = f"cannot read {path}: {exc.strerror}"
        raise DataFileError(msg) from exc


def unpacked_size(source: Path) -> int | None:
    """Return the number of bytes that reading a CSV takes; None if it is packed.

    Raises:
        DataFileError: It cannot be read.
    """
    try:
        with source.open("rb") as file:
            return None if file.read(len(_GZIP)) == _GZIP else source.stat().st_size
    except OSError as exc:
        msg = f"cannot read {source}: {exc.strerror}"
        raise DataFileError(msg) from exc


def facts_of(made: FilePredictions, out: Path, graph: Graph) -> dict[str, Any]:
    """Return what was made, for scripts."""
    return {
        "out": str(out),
        "model": graph.name,
        "rows": {"read": made.read, "predicted": made.predicted},
        "problems_total": made.problems_total,
        "problems": [
            {
                "row": one.row,
                "line": one.line,
                "column": one.column,
                "value": one.value,
                "reason": one.reason,
            }
            for one in made.problems
        ],
        "remarks": made.remarks,
        "trees": made.trees,
    }
