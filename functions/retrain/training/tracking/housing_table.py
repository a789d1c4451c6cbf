"""MLflow flavour of a graph whose columns are of several kinds: the onnx flavour, for any table.

A copy of this file is a part of each such model, and loads it for ``mlflow.pyfunc``; so it imports
nothing of this project. MLflow gives a graph the columns of a table as pandas holds them. They are
brought into the graph's types here: texts become Python's (ONNX Runtime reads none of pandas' own),
a blank category the empty text, and ``Yes`` or 1 of a boolean its value.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow.onnx
import numpy as np
import pandas as pd
from mlflow.models import Model

COLUMNS = "columns"
"""Key of a model's metadata: its columns by name, each a type of NumPy and values of texts."""


def save_model(onnx_model: Any, path: str, *, mlflow_model: Model, **options: Any) -> None:
    """Save a graph as MLflow's onnx flavour does, with this file as the loader of ``pyfunc``."""
    mlflow.onnx.save_model(
        onnx_model, path, mlflow_model=mlflow_model, code_paths=[__file__], **options
    )
    mlflow_model.flavors["python_function"]["loader_module"] = Path(__file__).stem
    mlflow_model.save(str(Path(path, "MLmodel")))


class TableModel:
    """A loaded graph that takes tables as pandas reads them."""

    def __init__(self, graph: Any, columns: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep MLflow's model of the graph, and the columns of the metadata."""
        self._graph = graph
        self._columns = columns

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the graph's outputs."""
        if isinstance(data, pd.DataFrame):
            typed = {name: _typed(data[name], **of) for name, of in self._columns.items()}
            data = pd.DataFrame(typed, index=data.index)
        return self._graph.predict(data, params)


def _load_pyfunc(path: str) -> TableModel:
    model = Model.load(str(Path(path).parent))
    columns = (model.metadata or {})[COLUMNS]
    # MLflow writes the metadata in the order of the alphabet; a graph may take columns by place.
    schema = model.get_input_schema()  # type: ignore[no-untyped-call]
    in_order = {name: columns[name] for name in schema.input_names()}
    return TableModel(mlflow.onnx._load_pyfunc(path), in_order)  # noqa: SLF001 - what pyfunc calls


def _typed(column: pd.Series, type: str, values: Mapping[str, float]) -> pd.Series:  # noqa: A002 - its name in the metadata
    if type == "str":
        texts = [_text(cell) for cell in column]
        return pd.Series(texts, index=column.index, dtype=object)
    known = {True: 1.0, False: 0.0} | dict(values)
    cells = [known.get(c.strip().lower(), c) if isinstance(c, str) else c for c in column]
    return pd.Series(np.array(cells, dtype=np.float64).astype(type), index=column.index)


def _text(cell: Any) -> str:
    if pd.isna(cell):
        return ""
    is_whole = isinstance(cell, float) and cell.is_integer()  # as pandas reads 1 beside a blank
    return str(int(cell) if is_whole else cell).strip()
