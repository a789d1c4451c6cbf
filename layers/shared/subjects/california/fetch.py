"""Fetch the real data set with scikit-learn: ``python -m subjects.california.fetch FILE``."""

import sys

SOURCE = "scikit-learn"


def main(target: str) -> None:
    """Write the data set as CSV with the canonical header.

    scikit-learn caches it: a second call needs no network.
    """
    from sklearn.datasets import fetch_california_housing  # noqa: PLC0415 - seconds to import

    from housing.schema import CANONICAL_HEADER  # noqa: PLC0415 - reads the subject

    bunch = fetch_california_housing(as_frame=True, n_retries=1, delay=0.1)
    bunch.frame[list(CANONICAL_HEADER)].to_csv(target, index=False)


if __name__ == "__main__":
    main(sys.argv[1])
