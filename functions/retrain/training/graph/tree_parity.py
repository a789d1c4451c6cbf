"""Parity check: compare the tree library with ONNX Runtime."""

import logging
from pathlib import Path

import numpy as np

from housing.onnx_session import ONNX_ERRORS, open_session
from housing.tree_library import LIBRARY, identity
from retrain.training.errors import TreeParityError
from retrain.training.model.tensor_ops import Floats

_ROWS_AT_ONCE = 1_000
_LOG = logging.getLogger(__name__)


def check_trees(model: bytes, features: Floats, library: Path = LIBRARY) -> str | None:
    """Answer rows with the library's trees and with ONNX Runtime's, and compare all bits.

    Where the library is not installed, or does not take the graph, nothing is compared: the service
    does not use it there either.

    Args:
        model: The serialized graph.
        features: The rows, ``[n, 8]``.
        library: Where it is.

    Returns:
        The ``identity`` of what was compared, or None.

    Raises:
        TreeParityError: An answer differs.
    """
    if not library.exists():
        _LOG.info("trees_not_compared", extra={"reason": f"{library.name} is not installed"})
        return None
    try:
        fast = open_session(model, library)
    except ONNX_ERRORS as exc:
        _LOG.warning("trees_not_compared", extra={"reason": str(exc)})
        return None
    plain = open_session(model)
    [given] = plain.get_inputs()
    different = 0
    for start in range(0, len(features), _ROWS_AT_ONCE):
        rows = {given.name: features[start : start + _ROWS_AT_ONCE]}
        answers = zip(fast.run(None, rows), plain.run(None, rows), strict=True)
        unequal = [ours.view(np.uint32) != theirs.view(np.uint32) for ours, theirs in answers]
        different += int(np.any(np.column_stack(unequal), axis=1).sum())
    if different:
        raise TreeParityError(different, len(features))
    _LOG.info("trees_compared", extra={"rows": len(features)})
    return identity(library)
