"""The model that every contender serves: 400 trees on the raw columns, in every server's form.

It is not what the training job makes. It stays the same, so that figures are comparable over time.
"""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import onnx
from lightgbm import LGBMRegressor
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

from housing.onnx_session import INPUT, OUTPUTS
from housing.schema import FEATURE_NAMES
from housing_cli.data.sources import first_data
from retrain.training.dataset.rows import Rows
from retrain.training.graph.onnx_ops import OnnxWriter
from retrain.training.model.engines.scikit_learn import ScikitLearn
from retrain.training.upload.check import check_csv

_FITTED = 14_000
_HALF_WIDTH = np.float32(0.6)


@dataclass(frozen=True, slots=True)
class BenchModel:
    """Path of the model, its origin, and unseen rows, ``[n, 8]``.

    The rows are the data set's own numbers: a client sends 37.88, and not 37.880001068115234.
    """

    graph: Path
    onnx_flavour: Path
    sklearn_flavour: Path
    lightgbm: Path
    pickle: Path
    source: str
    unseen: NDArray[np.float64]


def make_model(folder: Path) -> BenchModel:
    """Fit on ``HOUSING_DATA`` or on a generated sample, and write every form of the model."""
    given = os.environ.get("HOUSING_DATA")
    with TemporaryDirectory() as scratch:
        data = first_data(Path(given) if given else None, Path(scratch), fetch=lambda _: False)
        values = check_csv(data.path.read_bytes()).rows
    values = values[np.random.default_rng(0).permutation(len(values))]
    fitting, unseen = Rows.of(values[:_FITTED]), values[_FITTED:, :-1]
    trees = HistGradientBoostingRegressor(
        max_iter=400,
        learning_rate=0.06,
        max_leaf_nodes=40,
        early_stopping=False,
        random_state=0,
    ).fit(fitting.features, fitting.prices)
    graph = folder / "model.onnx"
    graph.write_bytes(_graph(trees))
    _save_flavours(folder, graph, trees)
    (folder / "model.pickle").write_bytes(pickle.dumps(trees))
    booster = LGBMRegressor(
        n_estimators=400, learning_rate=0.06, num_leaves=40, n_jobs=1, random_state=0, verbose=-1
    ).fit(fitting.features, fitting.prices)
    booster.booster_.save_model(folder / "lightgbm.txt")
    source = "the real data set" if given else data.source
    return BenchModel(
        graph,
        folder / "onnx",
        folder / "sklearn",
        folder / "lightgbm.txt",
        folder / "model.pickle",
        source,
        unseen,
    )


def _graph(trees: HistGradientBoostingRegressor) -> bytes:
    writer = OnnxWriter()
    price = writer.trees(writer.input(INPUT, len(FEATURE_NAMES)), ScikitLearn().trees(trees))
    for name, value in zip(OUTPUTS, (price, price - _HALF_WIDTH, price + _HALF_WIDTH), strict=True):
        writer.output(name, value)
    return bytes(writer.model().SerializeToString())


def _save_flavours(folder: Path, graph: Path, trees: HistGradientBoostingRegressor) -> None:
    width = len(FEATURE_NAMES)
    inputs = Schema([ColSpec(DataType.double, name) for name in FEATURE_NAMES])
    mlflow.onnx.save_model(
        onnx.load(graph),
        folder / "onnx",
        signature=ModelSignature(inputs=inputs),
        pip_requirements=["mlflow"],
        onnx_execution_providers=["CPUExecutionProvider"],
        onnx_session_options={"intra_op_num_threads": 1, "inter_op_num_threads": 1},
        save_as_external_data=False,
    )
    mlflow.sklearn.save_model(
        trees,
        folder / "sklearn",
        signature=ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, width))])),
        pip_requirements=["mlflow"],
        serialization_format="cloudpickle",
    )
