"""Features that the pipeline adds to the raw ones: how far a block group is from each region.

Everything is float32, in the order of operations that ``export`` writes into the graph: a distance
that differed in its last bit could fall on the other side of a tree's threshold.
"""

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans

from housing.schema import FEATURE_NAMES

COORDINATES = (FEATURE_NAMES.index("Latitude"), FEATURE_NAMES.index("Longitude"))


class RegionDistances(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # sklearn has no types
    """Distances, in degrees, to the centres of regions that k-means finds."""

    def __init__(self, clusters: int, seed: int) -> None:
        self.clusters = clusters
        self.seed = seed

    def fit(self, coordinates: NDArray[np.float32], _prices: object = None) -> Self:
        """Find the centres of n coordinates, ``[n, 2]``."""
        clusters = min(self.clusters, len(np.unique(coordinates, axis=0)))
        kmeans = KMeans(clusters, n_init=1, random_state=self.seed).fit(coordinates)
        self.centres_ = np.asarray(kmeans.cluster_centers_, dtype=np.float32)
        return self

    def transform(self, coordinates: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the distances of n coordinates to k centres, ``[n, k]``."""
        offsets = coordinates[:, np.newaxis, :] - self.centres_[np.newaxis]
        squares: NDArray[np.float32] = (offsets * offsets).sum(axis=2, dtype=np.float32)
        return np.sqrt(squares)
