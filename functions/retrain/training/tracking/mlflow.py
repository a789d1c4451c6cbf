"""Record runs and register versions in MLflow."""

import logging
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version as package_version
from typing import Any

import mlflow
import mlflow.onnx
import numpy as np
import onnx
import pandas as pd
from mlflow.data.pandas_dataset import from_pandas
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.models.model import ModelInfo
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import AnyType
from requests.exceptions import RequestException
from typing_extensions import override

from housing.onnx_session import NEAREST_KM, OUTPUTS, TAKES_COLUMNS, input_type
from housing.registry.port import ModelVersion, Tag
from housing.s3.layout import DATASET
from housing.schema import CANONICAL_HEADER, FEATURES, GEOGRAPHY, TARGET
from housing.subject import Column
from housing.texts import texts_of
from retrain.training.errors import TrackingError
from retrain.training.tracking import housing_table
from retrain.training.tracking.port import Candidate, Description, RunTracker

_LOG = logging.getLogger(__name__)
_FAILURES = (MlflowException, RequestException)
"""The latter is raised when an artifact upload fails."""
_REPEATS = 2
"""A registration is some twenty requests, and MLflow's client sends one whose answer is cut off no
second time."""
_ALREADY_EXISTS = "RESOURCE_ALREADY_EXISTS"
_DIGEST_CHARACTERS = 36  # MLflow's limit
_ONE_THREAD = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
_REQUIREMENTS = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas")
_ANY = AnyType()  # type: ignore[no-untyped-call]
_ARE_NUMBERS = all(column.kind == "number" for column in FEATURES)


def _type(column: Column) -> DataType | AnyType:
    """Return a column's type in the signature; any, where pandas' depends on the file.

    Doubles: MLflow takes no double for a float, and its onnx flavour casts by itself. Whole numbers
    beside a blank are floats to pandas, and booleans texts or numbers if a file has them so.
    """
    if column.kind == "number":
        return DataType.double
    if column.kind == "category":
        return _ANY if any(map(_is_number, column.categories)) else DataType.string
    return _ANY if column.optional or column.kind == "boolean" else DataType.long


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _column(column: Column) -> dict[str, Any]:
    """Return what ``housing_table`` has to know of a column."""
    kind = input_type(column) if TAKES_COLUMNS else np.float64
    values = texts_of(column) if column.kind == "boolean" else {}
    return {"type": kind.__name__.rstrip("_"), "values": dict(values)}


_SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec(_type(column), column.name) for column in FEATURES]),
    outputs=Schema(
        [ColSpec(DataType.float, name) for name in (*OUTPUTS, *([NEAREST_KM] if GEOGRAPHY else []))]
    ),
)


class MlflowRunTracker(RunTracker):
    """Uses one experiment and one registered model of an MLflow server; creates missing ones."""

    def __init__(self, tracking_uri: str, model_name: str, bucket: str) -> None:
        """Keep the server's address; no request is sent.

        Args:
            tracking_uri: The server's URL.
            model_name: Name of the registered model, and of the experiment.
            bucket: Bucket of the data set.
        """
        self._tracking_uri = tracking_uri
        self._model_name = model_name
        self._bucket = bucket

    @override
    def prepare(self) -> None:
        """Do nothing: what is slow is the import of this module."""

    @override
    def register(self, candidate: Candidate) -> ModelVersion:
        """Register a candidate; repeat a failed registration, each time as another run."""
        register = self._register
        for _ in range(_REPEATS):
            try:
                return register(candidate)
            except _FAILURES as exc:
                _LOG.warning("registration_repeated", extra={"error": _first_line(exc)})
                register = self._known_or_registered
        try:
            return register(candidate)
        except _FAILURES as exc:
            msg = f"MLflow at {self._tracking_uri} rejected the model: {_first_line(exc)}"
            raise TrackingError(msg) from exc

    @override
    def describe(self, version: ModelVersion, description: Description) -> None:
        client = mlflow.MlflowClient(self._tracking_uri)
        try:
            for name, value in description.metrics.items():
                client.log_metric(version.run_id, name, value)
            client.log_text(version.run_id, description.card, "model_card.md")
            for name, figure in description.figures.items():
                client.log_figure(version.run_id, figure, f"figures/{name}")
        except _FAILURES as exc:
            msg = f"MLflow at {self._tracking_uri} rejected the description: {_first_line(exc)}"
            raise TrackingError(msg) from exc

    def _register(self, candidate: Candidate) -> ModelVersion:
        mlflow.set_tracking_uri(self._tracking_uri)
        mlflow.set_experiment(self._model_name)
        name = f"retrain-{candidate.job_id}"
        with mlflow.start_run(run_name=name, tags={"job_id": candidate.job_id}) as run:
            mlflow.log_params(asdict(candidate.recipe) | {"rows": len(candidate.snapshot)})
            mlflow.log_input(self._dataset(candidate), context="training")
            logged = log_graph(candidate.model)
            # Of the run and of the model, in whose lists MLflow shows them as columns.
            mlflow.log_metrics(candidate.run_metrics(), model_id=logged.model_id)
            return self._registered(logged, candidate, run.info.run_id)

    def _known_or_registered(self, candidate: Candidate) -> ModelVersion:
        return self._known(candidate) or self._register(candidate)

    def _known(self, candidate: Candidate) -> ModelVersion | None:
        """Return the version of a candidate whose registration failed after its creation."""
        quote = '"' if "'" in self._model_name else "'"  # MLflow has no escape for it
        name = f"{quote}{self._model_name}{quote}"
        wanted = f"name = {name} and tags.{Tag.JOB_ID} = '{candidate.job_id}'"
        for version in mlflow.MlflowClient().search_model_versions(wanted):
            if version.tags.get(Tag.SHA256) == candidate.sha256:
                return _version(version, str(version.run_id))
        return None

    def _registered(self, logged: ModelInfo, candidate: Candidate, run_id: str) -> ModelVersion:
        """Register a logged model as exactly one version.

        MLflow's client retries a request whose response was lost, and each one creates a version.
        """
        client = mlflow.MlflowClient()
        try:
            client.create_registered_model(self._model_name)
        except MlflowException as exc:
            if exc.error_code != _ALREADY_EXISTS:
                raise
        client.create_model_version(
            self._model_name,
            logged.model_uri,
            run_id,
            tags=dict(candidate.tags()),
            description=candidate.card,
            model_id=logged.model_id,
        )
        made = client.search_model_versions(f"run_id='{run_id}'")
        first, *others = sorted(made, key=lambda version: int(version.version))
        for other in others:
            client.delete_model_version(self._model_name, other.version)
        return _version(first, run_id)

    def _dataset(self, candidate: Candidate) -> Any:
        snapshot = candidate.snapshot
        return from_pandas(
            pd.DataFrame(snapshot.rows, columns=list(CANONICAL_HEADER)),
            source=f"s3://{self._bucket}/{DATASET}",
            targets=TARGET.name,
            name=snapshot.data_source[:500],
            digest=snapshot.dataset_id[:_DIGEST_CHARACTERS],
        )


def _example() -> pd.DataFrame:
    """Return a row of examples with the types of the signature."""
    return pd.DataFrame({column.name: [_shown(column)] for column in FEATURES})


def _shown(column: Column) -> Any:
    return float(column.example) if column.kind == "number" else column.shown_example


def log_graph(model: bytes) -> ModelInfo:
    """Log a graph as a single-file MLflow model."""
    columns = {column.name: _column(column) for column in FEATURES}
    logged: ModelInfo = Model.log(
        artifact_path=None,
        flavor=mlflow.onnx if _ARE_NUMBERS else housing_table,
        onnx_model=onnx.load_model_from_string(model),
        name="model",
        signature=_SIGNATURE,
        input_example=_example(),
        pip_requirements=[f"{name}=={package_version(name)}" for name in _REQUIREMENTS],
        metadata=None if _ARE_NUMBERS else {housing_table.COLUMNS: columns},
        onnx_execution_providers=["CPUExecutionProvider"],
        onnx_session_options=_ONE_THREAD,
        save_as_external_data=False,  # else tensors over 1 KiB go to files of their own
    )
    return logged


def _first_line(exc: Exception) -> str:
    return str(exc).partition("\n")[0]


def _version(version: Any, run_id: str) -> ModelVersion:
    return ModelVersion(
        name=version.name,
        version=str(version.version),
        run_id=run_id,
        created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        tags=dict(version.tags),
        description=version.description or "",
    )
