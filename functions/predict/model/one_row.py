"""One row through a graph, into and out of memory that is bound to it once.

``InferenceSession.run`` makes arrays, looks names up and allocates at every call; for one row that
is a third of the time. See https://onnxruntime.ai/docs/api/python/api_summary.html, "IOBinding".
"""

import struct
from collections.abc import Sequence

import numpy as np
import onnxruntime

from housing.schema import FEATURE_NAMES

_WIDTH = len(FEATURE_NAMES)
_FLOAT_BYTES = 4
_put = struct.Struct(f"={_WIDTH}f").pack_into


class OneRow:
    """Runs one row at a time; it is for one thread at a time."""

    __slots__ = ("_binding", "_found", "_memory", "_session")

    def __init__(
        self, session: onnxruntime.InferenceSession, input_name: str, outputs: Sequence[str]
    ) -> None:
        """Bind the input, float32 ``[1, 8]``, and the outputs, one float32 each."""
        self._session = session
        row = np.zeros((1, _WIDTH), np.float32)
        self._memory = row.data  # keeps the row alive
        self._found = np.zeros(len(outputs), np.float32)
        self._binding = session.io_binding()
        self._binding.bind_input(input_name, "cpu", 0, np.float32, row.shape, row.ctypes.data)
        ranks = {output.name: len(output.shape) for output in session.get_outputs()}
        for place, name in enumerate(outputs):
            self._binding.bind_output(
                name,
                "cpu",
                0,
                np.float32,
                (1,) * ranks[name],
                self._found.ctypes.data + place * _FLOAT_BYTES,
            )

    def run(self, values: Sequence[float]) -> list[float]:
        """Return one number for each output.

        Args:
            values: Eight numbers in schema order.

        Raises:
            RuntimeError: The graph fails, or its answer has another shape than it declares; a bound
                run raises no other error for it.
            ONNX_ERRORS: As above, perhaps, in another version of ONNX Runtime.
            struct.error: There are not eight numbers.
            OverflowError: A number is beyond float32.
        """
        _put(self._memory, 0, *values)
        self._session.run_with_iobinding(self._binding)
        found: list[float] = self._found.tolist()
        return found
