"""Cases for ``native/trees/checks/run_cases.c``, which says how their file is laid out."""

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ELEMENTS = {np.dtype(np.float32): 1, np.dtype(np.int64): 7}


class Expected(IntEnum):
    """What the operator is to do."""

    REFUSED = 0
    ANSWERED = 1
    EITHER = 2


@dataclass(frozen=True, slots=True)
class Case:
    """One node with its inputs; ``outputs`` are compared bit for bit where it is to answer."""

    operator: str
    attributes: dict[str, Any]
    inputs: Sequence[NDArray[Any]]
    outputs: Sequence[NDArray[Any]] = field(default=())
    expected: Expected = Expected.ANSWERED


def write_cases(path: Path, cases: Iterable[Case]) -> None:
    """Write a file of them."""
    written = [_case(case) for case in cases]
    path.write_bytes(_number(len(written)) + b"".join(written))


def _number(value: int) -> bytes:
    return struct.pack("=q", value)


def _text(value: str) -> bytes:
    return _number(len(value.encode())) + value.encode()


def _tensor(value: NDArray[Any]) -> bytes:
    head = [_ELEMENTS[value.dtype], value.ndim, *value.shape]
    return b"".join(map(_number, head)) + np.ascontiguousarray(value).tobytes()


def _attribute(name: str, value: Any) -> bytes:
    if isinstance(value, int):
        return _text(name) + _number(1) + _number(1) + _number(value)
    if isinstance(value, str):
        return _text(name) + _number(4) + _number(1) + _text(value)
    if name.endswith("as_tensor"):
        return _text(name) + _number(6) + _number(0)
    if any(isinstance(one, str) for one in value):
        return _text(name) + _number(5) + _number(len(value)) + b"".join(map(_text, value))
    is_floats = name in ("nodes_values", "target_weights", "base_values")
    values = np.array(value, np.float32 if is_floats else np.int64)
    return _text(name) + _number(3 if is_floats else 2) + _number(len(values)) + values.tobytes()


def _case(case: Case) -> bytes:
    parts = [_number(case.expected), _text(case.operator), _number(len(case.attributes))]
    parts += [_attribute(name, value) for name, value in case.attributes.items()]
    for tensors in (case.inputs, case.outputs):
        parts += [_number(len(tensors)), *map(_tensor, tensors)]
    return b"".join(parts)
