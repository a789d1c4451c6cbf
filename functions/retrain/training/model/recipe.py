"""The recipe: hyperparameters of a model; equal recipes on equal rows make equal models."""

import hashlib
import json
from dataclasses import asdict, dataclass

from housing.schema import SCHEMA_VERSION
from retrain.training.model.engines.engine import EngineName

_CODE_VERSION = "8"
"""Incremented when the code of split, features, fit or export changes the model."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Settings that determine the model for given rows; see ``TrainingSettings``."""

    holdout_share: float
    seed: int
    engine: EngineName
    models: int
    iterations: int
    learning_rate: float
    max_leaves: int
    min_leaf_rows: int
    l2: float
    feature_share: float
    neighbour_rows: int
    neighbour_folds: int
    known_share: float

    @property
    def settings_id(self) -> str:
        """SHA-256 over the recipe, the schema and the code's version."""
        content = [_CODE_VERSION, SCHEMA_VERSION, asdict(self)]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
