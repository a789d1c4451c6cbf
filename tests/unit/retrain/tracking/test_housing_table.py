"""The flavour of models of several kinds of columns."""

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import onnx
import pandas as pd
import pytest
from mlflow.models import Model, ModelSignature
from mlflow.types.schema import AnyType, ColSpec, DataType, Schema

from fakes.onnx_models import linear_model
from retrain.training.tracking import housing_table

NAMES = ("student", "income", "balance")
"""The first one, which the graph reads, is the last one of the alphabet."""

_ANY = AnyType()  # type: ignore[no-untyped-call]


def test_a_graph_of_one_array_gets_the_columns_in_its_own_order(tmp_path: Path) -> None:
    column = {"type": "float64", "values": {"yes": 1.0, "no": 0.0}}
    types: tuple[Any, ...] = (_ANY, DataType.double, DataType.double)
    inputs = Schema([ColSpec(kind, name) for kind, name in zip(types, NAMES, strict=True)])
    housing_table.save_model(
        onnx.load_model_from_string(linear_model(bias=0, income_weight=1, columns=len(NAMES))),
        str(tmp_path / "model"),
        mlflow_model=Model(),
        signature=ModelSignature(inputs=inputs),
        metadata={housing_table.COLUMNS: dict.fromkeys(NAMES, column)},
    )
    table = pd.DataFrame({"balance": [7.0, 8], "student": ["Yes", "No"], "income": [5.0, 6]})

    answers = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(table)

    assert answers["price"].tolist() == pytest.approx([1, 0])
