"""Secret key of the held-out split: with it, uploads could be aimed at the held-out rows.

Only the training job may read it from the bucket. A place is held out if the HMAC-SHA256 of its
cell (RFC 2104) falls into the held-out share, so that uploaders and clients cannot derive the side
of a row.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from housing.errors import ObjectError
from housing.s3.documents import Documents
from housing.s3.layout import HOLDOUT_KEY
from housing.schema import FEATURE_NAMES, GEOGRAPHY
from retrain.training.dataset.rows import Values
from retrain.training.errors import DatasetError

_BYTES = 32


@dataclass(frozen=True, slots=True)
class HoldoutKey:
    """A key and the share of held-out places."""

    secret: bytes = field(repr=False)
    share: float

    @property
    def id(self) -> str:
        """Identifier of key and share; does not reveal the key."""
        facts = f"holdout {self.share!r}".encode()
        return hmac.digest(self.secret, facts, hashlib.sha256).hex()[:16]

    def holds_out(self, rows: Values) -> NDArray[np.bool_]:
        """Return the mask of rows that are held out, ``[n]``: by place, else by all features."""
        cells = _cells(rows)
        distinct, numbers = np.unique(cells, axis=0, return_inverse=True)
        drawn = b"".join(
            hmac.digest(self.secret, one.tobytes(), hashlib.sha256)[:8] for one in distinct
        )
        is_held_out: NDArray[np.bool_] = np.frombuffer(drawn, ">u8") / 2.0**64 < self.share
        return is_held_out[numbers.ravel()]


def _cells(rows: Values) -> NDArray[Any]:
    """Return what a row's side is drawn by, ``[n, k]``: equal rows of it are on one side."""
    if GEOGRAPHY is None:
        features: NDArray[Any] = np.ascontiguousarray(rows[:, : len(FEATURE_NAMES)] + 0.0, "<f8")
        return features.view("<i8")
    place = [FEATURE_NAMES.index(name) for name in GEOGRAPHY.place]
    cells: NDArray[Any] = np.round(rows[:, place] / GEOGRAPHY.step).astype("<i8")
    return cells


def holdout_key(documents: Documents, share: float) -> HoldoutKey:
    """Return the bucket's key; create it if it is missing.

    Raises:
        DatasetError: The object is not a key.
        ObjectError: The bucket cannot be read or written.
    """
    document = documents.read(HOLDOUT_KEY)
    if document is None:
        documents.create(HOLDOUT_KEY, secrets.token_bytes(_BYTES))
        document = documents.read(HOLDOUT_KEY)
    if document is None:
        msg = f"{HOLDOUT_KEY} was written but is missing"
        raise ObjectError(msg)
    if len(document.content) != _BYTES:
        msg = f"{HOLDOUT_KEY} is not a key of {_BYTES} bytes: delete it; the next job creates one"
        raise DatasetError(msg)
    return HoldoutKey(document.content, share)
