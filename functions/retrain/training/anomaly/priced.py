"""Rows with their true prices, and the champion's prices of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.rows import Rows
from retrain.training.model.evaluation import Predictions


@dataclass(frozen=True, slots=True)
class Priced:
    """Rows with their true prices, and the champion's prices of them."""

    rows: Rows
    said: Predictions

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def take(self, rows: NDArray[np.bool_]) -> "Priced":
        """Return some of the rows."""
        said, nearest_km = self.said, self.said.nearest_km
        return Priced(
            self.rows.take(rows),
            Predictions(
                said.price[rows],
                said.lower[rows],
                said.upper[rows],
                None if nearest_km is None else nearest_km[rows],
            ),
        )
