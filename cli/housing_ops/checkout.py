"""The checkout of the repository, in which the programs run."""

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
