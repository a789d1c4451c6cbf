"""Rows with true prices and the champion's predictions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrain.training.dataset.rows import Rows
from retrain.training.model.evaluation import Predictions


@dataclass(frozen=True, slots=True)
class Priced:
    """Rows with true prices and the champion's predictions."""

    rows: Rows
    predicted: Predictions

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.rows)

    def take(self, rows: NDArray[np.bool_]) -> "Priced":
        """Return some of the rows."""
        predicted, nearest_km = self.predicted, self.predicted.nearest_km
        return Priced(
            self.rows.take(rows),
            Predictions(
                predicted.price[rows],
                predicted.lower[rows],
                predicted.upper[rows],
                None if nearest_km is None else nearest_km[rows],
            ),
        )
