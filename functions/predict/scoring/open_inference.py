"""Request bodies and answers in the Open Inference Protocol, version 2, as JSON.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
Inputs are one tensor for each column, in any order, ``[n]`` or ``[n, 1]``, or a single one of all
columns in schema order, ``[n, features]``. Datatypes are those of the schema: a category is
``BYTES``, a boolean ``BOOL``, a whole number ``INT64``, and any other number ``FP64``, as is each
column but a category whose values may be missing, as NaN. Outputs are ``[n, 1]``, or ``[n]`` where
the inputs are.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import orjson

from housing.onnx_session import NEAREST_KM, OUTPUTS, input_type
from housing.schema import FEATURE_NAMES, FEATURES, GEOGRAPHY
from predict.errors import InvalidFieldsError, MalformedBodyError, NoSuchTargetError
from predict.model.loading import ServedModel
from predict.model.predictor import PredictedColumns
from predict.scoring import validation
from predict.scoring.columns import REQUIRED
from predict.scoring.request_body import MOST_NAMES, refuse_many_names
from predict.scoring.validation import Matrix

MODELS = "/v2/models/"
INFER = "/infer"
_VERSIONS = "versions"
_DATATYPE_OF = {np.float32: "FP64", np.int64: "INT64", np.bool_: "BOOL", str: "BYTES"}
_OTHERS = {"boolean": "BOOL", "category": "BYTES"}
_DATATYPES = (
    {"FP16", "FP32", "FP64", "BF16"}
    | {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}
    | {_OTHERS[column.kind] for column in FEATURES if column.kind in _OTHERS}
)
"""Those that a tensor may have: any number for a number."""
_WHOLE = {
    f"{sign}INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if not sign else (0, 2**bits - 1)
    for sign in ("", "U")
    for bits in (8, 16, 32, 64)
}
"""Lowest and highest value of each datatype of whole numbers."""
_BINARY_SIZE = "binary_data_size"
_PLACE = "inputs"
_WIDTH = len(FEATURE_NAMES)
_OUTPUTS = (*OUTPUTS, NEAREST_KM) if GEOGRAPHY else OUTPUTS


class Inference(NamedTuple):
    """A read request."""

    id: str | None
    features: Matrix
    outputs: tuple[str, ...]
    """Names of the outputs that are asked for; all if empty."""
    is_flat: bool
    """Whether the inputs are ``[n]``."""


def is_inference(path: str) -> bool:
    """Return whether a path is that of an inference."""
    return path.startswith(MODELS) and path.endswith(INFER)


def check_model(path: str, served: ServedModel) -> None:
    """Check that a path's model, and its version if it has one, is the one that is served.

    Raises:
        NoSuchTargetError: It is another.
    """
    name, *version = path.removeprefix(MODELS).removesuffix(INFER).split("/")
    known = served.version
    if name != known.name or version not in ([], [_VERSIONS, known.version]):
        msg = f"the served model is {known.name}, version {known.version}"
        raise NoSuchTargetError(msg)


def read(body: bytes, max_rows: int) -> Inference:
    """Read an inference request.

    Raises:
        RequestError: It is not one, or its values are not valid.
    """
    refuse_many_names(body, MOST_NAMES)
    content = _parsed(body)
    tensors = content.get("inputs")
    if not isinstance(tensors, list) or not tensors:
        msg = "the body has to be a JSON object with inputs, a list of tensors"
        raise MalformedBodyError(msg)
    if len(tensors) > MOST_NAMES:
        raise InvalidFieldsError([{"field": _PLACE, "message": f"over {MOST_NAMES} tensors"}])
    columns: dict[str, list[Any]] = {}
    for place, tensor in enumerate(tensors):
        name, values, width = _tensor(tensor, f"{_PLACE}.{place}")
        if width == _WIDTH and len(tensors) == 1:
            columns = {name: values[at::_WIDTH] for at, name in enumerate(FEATURE_NAMES)}
        elif width != 1 or name in columns:
            message = "a tensor of a column has the shape [n] or [n, 1], and comes once"
            raise InvalidFieldsError([{"field": f"{_PLACE}.{place}", "message": message}])
        else:
            columns[name] = values
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        message = "the inputs lack this column"
        raise InvalidFieldsError([{"field": name, "message": message} for name in missing])
    known = [name for name in FEATURE_NAMES if name in columns]
    counts = {len(columns[name]) for name in known}
    if len(counts) > 1:
        msg = "the tensors of the columns have to be of the same length"
        raise MalformedBodyError(msg)
    if max(counts) > max_rows:
        raise validation.too_many_rows(max_rows)
    rows = [
        dict(zip(known, row, strict=True))
        for row in zip(*(columns[name] for name in known), strict=True)
    ]
    is_flat = all(len(tensor["shape"]) == 1 for tensor in tensors)
    return Inference(
        _id(content.get("id")),
        validation.from_rows(rows, place=_PLACE),
        _outputs(content.get("outputs")),
        is_flat,
    )


def answer(inference: Inference, predicted: PredictedColumns, served: ServedModel) -> bytes:
    """Write an inference response."""
    count = len(inference.features)
    outputs = [
        {
            "name": name,
            "datatype": "FP32",
            "shape": [count] if inference.is_flat else [count, 1],
            "data": column.tolist(),
        }
        for name, column in predicted.named().items()
        if not inference.outputs or name in inference.outputs
    ]
    document: dict[str, Any] = {
        "model_name": served.version.name,
        "model_version": served.version.version,
        "outputs": outputs,
    }
    if inference.id is not None:
        document["id"] = inference.id
    return orjson.dumps(document)


def metadata(served: ServedModel) -> dict[str, Any]:
    """Return a model's metadata."""
    inputs = [
        {"name": column.name, "datatype": _DATATYPE_OF[input_type(column)], "shape": [-1, 1]}
        for column in FEATURES
    ]
    names = served.predictor.outputs
    return {
        "name": served.version.name,
        "versions": [served.version.version],
        "platform": "onnx_onnxv1",
        "inputs": inputs,
        "outputs": [{"name": name, "datatype": "FP32", "shape": [-1, 1]} for name in names],
    }


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        msg = f"the body is not JSON: {exc}; tensors in binary form are not supported"
        raise MalformedBodyError(msg) from exc
    return content if isinstance(content, dict) else {}


def _id(asked: object) -> str | None:
    if asked is None or isinstance(asked, str):
        return asked
    msg = "the id of a request has to be a text"
    raise MalformedBodyError(msg)


def _tensor(tensor: object, field: str) -> tuple[str, list[Any], int]:
    """Return the name, the values and the width of a tensor."""
    if not isinstance(tensor, dict) or not isinstance(tensor.get("name"), str):
        raise InvalidFieldsError([{"field": field, "message": "a tensor has a name"}])
    shape, data, datatype = tensor.get("shape"), tensor.get("data"), tensor.get("datatype")
    if not isinstance(datatype, str) or datatype not in _DATATYPES:
        message = f"the datatype has to be one of {', '.join(sorted(_DATATYPES))}"
        raise InvalidFieldsError([{"field": f"{field}.datatype", "message": message}])
    parameters = tensor.get("parameters")
    if isinstance(parameters, dict) and _BINARY_SIZE in parameters:
        msg = f"{field} has {_BINARY_SIZE}: tensors in binary form are not supported"
        raise MalformedBodyError(msg)
    if not isinstance(data, list):
        message = "the data have to be a list: tensors in binary form are not supported"
        raise InvalidFieldsError([{"field": f"{field}.data", "message": message}])
    is_shape = isinstance(shape, list) and len(shape) in {1, 2} and all(map(_is_size, shape))
    width = shape[1] if is_shape and len(shape) == 2 else 1  # type: ignore[arg-type, index]  # noqa: PLR2004
    values = _flat(data, width, f"{field}.data")
    if not is_shape or shape[0] * width != len(values):  # type: ignore[index]
        message = "the shape has to be [n] or [n, columns], and to agree with the data"
        raise InvalidFieldsError([{"field": f"{field}.shape", "message": message}])
    if datatype in _WHOLE:
        _check_whole(values, datatype, f"{field}.data")
    return tensor["name"], values, width


def _flat(data: list[Any], width: int, field: str) -> list[Any]:
    """Return the values of a flat list, or of a list of rows.

    Raises:
        MalformedBodyError: The rows are of several lengths, or stand beside values.
    """
    if not any(isinstance(row, list) for row in data):
        return data
    for place, row in enumerate(data):
        if not isinstance(row, list) or len(row) != width:
            count = f"{len(row)} values" if isinstance(row, list) else "no list"
            msg = f"{field}: row {place} is {count}; by the shape each row is a list of {width}"
            raise MalformedBodyError(msg)
    return [cell for row in data for cell in row]


def _check_whole(values: list[Any], datatype: str, field: str) -> None:
    """Check that numbers are whole and within the datatype; whatever is no number is the schema's.

    Raises:
        MalformedBodyError: One is not.
    """
    lowest, highest = _WHOLE[datatype]
    for place, value in enumerate(values):
        if isinstance(value, int | float) and not (value % 1 == 0 and lowest <= value <= highest):
            bounds = f"{datatype} has whole numbers from {lowest} to {highest}"
            msg = f"{field}: value {place} is {value}; {bounds}"
            raise MalformedBodyError(msg)


def _is_size(size: object) -> bool:
    return type(size) is int and size >= 0


def _outputs(asked: object) -> tuple[str, ...]:
    """Return the names of the outputs that are asked for.

    Raises:
        InvalidFieldsError: One is not known.
    """
    if not asked:
        return ()
    tensors = asked if isinstance(asked, list) else [asked]
    names = [str(one.get("name") if isinstance(one, dict) else one) for one in tensors]
    unknown = [name for name in names if name not in _OUTPUTS]
    if unknown:
        message = f"there are only {', '.join(_OUTPUTS)}"
        raise InvalidFieldsError([{"field": f"outputs.{unknown[0]}"[:100], "message": message}])
    return tuple(names)
