"""A program of its own that fetches the data set, so that whoever starts it can end it."""

import sys

from sklearn.datasets import fetch_california_housing

from housing.schema import CANONICAL_HEADER


def main(target: str) -> None:
    """Write the data set as CSV under the canonical header.

    scikit-learn keeps it in its own cache, so that a second call needs no network.
    """
    bunch = fetch_california_housing(as_frame=True, n_retries=1, delay=0.1)
    bunch.frame[list(CANONICAL_HEADER)].to_csv(target, index=False)


if __name__ == "__main__":
    main(sys.argv[1])
