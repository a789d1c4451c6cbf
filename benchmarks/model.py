"""The model that every contender serves: the project's own, as ONNX and as MLflow models."""

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import numpy as np
import onnx
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec
from numpy.typing import NDArray

from housing.schema import FEATURE_NAMES
from housing_cli.data.sources import first_data
from retrain.training.csv_check import check_csv
from retrain.training.export import export
from retrain.training.fit import Fitted, fit
from retrain.training.nearness import nearness_of
from retrain.training.rows import Rows
from retrain.training.settings import TrainingSettings

_FITTED, _CALIBRATED = 14_000, 2_000


@dataclass(frozen=True, slots=True)
class BenchModel:
    """Where the model lies, what it was made of, and rows that it has not seen, ``[n, 8]``."""

    graph: Path
    onnx_flavour: Path
    sklearn_flavour: Path
    source: str
    unseen: NDArray[np.float32]


def make_model(folder: Path) -> BenchModel:
    """Fit on ``HOUSING_DATA`` or on a generated sample, and write every form of the model."""
    given = os.environ.get("HOUSING_DATA")
    with TemporaryDirectory() as scratch:
        data = first_data(Path(given) if given else None, Path(scratch), fetch=lambda _: False)
        values = check_csv(data.path.read_bytes()).rows
    values = values[np.random.default_rng(0).permutation(len(values))]
    fitting, calibration, unseen = (
        Rows.of(part) for part in np.split(values, [_FITTED, _FITTED + _CALIBRATED])
    )
    settings = TrainingSettings(bucket="bench", tracking_uri="http://127.0.0.1:1")
    fitted = fit(fitting, calibration, settings.recipe())
    graph = folder / "model.onnx"
    graph.write_bytes(export(fitted, nearness_of(fitting.features)))
    _save_flavours(folder, graph, fitted)
    source = "the real data set" if given else data.source
    return BenchModel(graph, folder / "onnx", folder / "sklearn", source, unseen.features)


def _save_flavours(folder: Path, graph: Path, fitted: Fitted) -> None:
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
        fitted.pipeline,
        folder / "sklearn",
        signature=ModelSignature(inputs=Schema([TensorSpec(np.dtype("float32"), (-1, width))])),
        pip_requirements=["mlflow"],
        serialization_format="cloudpickle",
    )
