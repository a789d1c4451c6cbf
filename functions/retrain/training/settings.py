"""Settings of the training job, read from the environment at its start."""

from typing import Any

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from housing.registry.access import RegistrySettings
from housing.schema import SUBJECT
from retrain.training.model.engines.engine import EngineName
from retrain.training.model.recipe import Recipe
from retrain.training.rules import CopyRule, GateRules, HoldRule
from retrain.training.upload.limits import (
    MOST_BLANK_LINES,
    MOST_UNPACKING_RATIO,
    Limits,
)


class TrainingSettings(RegistrySettings):
    """Variables are named after the fields, under ``HOUSING_``; MLflow's keep MLflow's names."""

    model_config = SettingsConfigDict(
        env_prefix="HOUSING_", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    bucket: str = Field(description="the bucket that holds data set, models and status")
    model_name: str = Field(SUBJECT.name, description="registered model")
    alert_topic_arn: str | None = Field(
        None, description="topic for alerts; without it they are logged"
    )

    training_settings: dict[str, Any] = Field(
        default_factory=dict,
        description='more settings, as JSON: `{"iterations": 500}`; variables take precedence',
    )

    max_upload_bytes: int = Field(5 << 30, gt=0, description="larger uploads are rejected")
    max_unpacked_bytes: int = Field(
        10 << 30, gt=0, description="the same for the unpacked size of a .csv.gz"
    )
    max_unpacking_ratio: float = Field(
        MOST_UNPACKING_RATIO, ge=1, description="the same in packed sizes, from 32 MiB on"
    )
    max_blank_lines: int = Field(
        MOST_BLANK_LINES, ge=0, description="files with more of them are rejected"
    )
    max_bad_rows_share: float = Field(
        0.1, ge=0, le=1, description="files with a larger share are rejected"
    )
    min_rows: int = Field(200, ge=10, description="fewer rows are not trained on")

    drift_psi_limit: float = Field(
        0.2, gt=0, description="columns of new rows above it drift, if it cannot be chance"
    )
    drift_min_rows: int = Field(
        50, ge=10, description="drift is not measured on fewer new or earlier rows"
    )

    training_timeout_seconds: float | None = Field(
        None, gt=0, description="time limit of a job, enforced by its launcher"
    )
    max_queued_bytes: int = Field(
        64 << 20, ge=0, description="uploads of queued jobs that a training also reads"
    )
    lease_seconds: float = Field(
        60, gt=0, description="time after which a dead job's lease expires"
    )
    heartbeat_seconds: float = Field(20, gt=0, description="interval of a job's heartbeats")
    lease_wait_seconds: float = Field(1800, ge=0, description="longest wait for another job")

    training_processes: int | None = Field(
        None, ge=1, description="processes for the fit; one per processor if not set"
    )
    holdout_share: float = Field(0.2, gt=0, lt=0.5, description="share of the held-out rows")
    seed: int = Field(0, ge=0, description="seed of every random choice")
    engine: EngineName = Field("scikit-learn", description="library that grows the trees")
    models: int = Field(
        2, ge=1, description="number of models with different seeds; the price is their mean"
    )
    iterations: int = Field(300, ge=1, description="trees of a model")
    learning_rate: float = Field(0.08, gt=0, description="shrinkage of each tree")
    max_leaves: int = Field(48, ge=2, description="leaves of a tree")
    min_leaf_rows: int = Field(15, ge=1, description="rows in a leaf")
    l2: float = Field(5.0, ge=0, description="L2 regularization of the leaves")
    feature_share: float = Field(0.1, gt=0, le=1, description="features tried at each split")
    neighbour_rows: int = Field(
        20_000, ge=1, description="training rows kept in the model for neighbour look-ups"
    )
    neighbour_folds: int = Field(
        20, ge=2, description="folds for cross-fitting the neighbour features"
    )
    known_share: float = Field(
        0.98,
        gt=0,
        le=1,
        description="share of the training rows near enough to another for neighbour features",
    )

    parity_worst: float = Field(
        1e-5, gt=0, description="largest difference between ONNX and fit of a row, in $100,000"
    )
    parity_p99: float = Field(5e-6, gt=0, description="99th percentile of these differences")
    promotion_margin: float = Field(
        0.01, ge=0, description="largest increase of the error that passes the gate"
    )
    promotion_confidence: float = Field(
        0.8, ge=0.5, lt=1, description="required confidence in that"
    )
    slice_limit: float = Field(0.1, ge=0, description="largest increase of a slice's error")
    slice_min_rows: int = Field(30, ge=10, description="smaller slices are not compared")
    hold_score: float = Field(
        3.5,
        gt=0,
        description="new rows are held if their misses have a probability of 10 to minus this",
    )
    hold_copy_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="largest share of new rows that are moved copies of known ones",
    )
    hold_judged_copy_share: float = Field(
        0.02, gt=0, le=1, description="largest share of held-out rows with such a copy"
    )
    shadow_days: int = Field(
        7, ge=0, le=60, description="days of the challenger's shadow in the report; 0 for none"
    )

    @model_validator(mode="before")
    @classmethod
    def _with_those_of_the_one_variable(cls, values: dict[str, Any]) -> dict[str, Any]:
        more = values.get("training_settings")
        if not isinstance(more, dict):
            return values  # none are set, or the field's own check reports the error
        unknown = sorted(set(more) - set(cls.model_fields))
        if unknown:
            msg = f"HOUSING_TRAINING_SETTINGS: unknown setting {', '.join(unknown)}"
            raise ValueError(msg)
        return {**more, **values}

    def upload_limits(self) -> Limits:
        """Return the limits on an upload."""
        return Limits(
            max_bytes=self.max_upload_bytes,
            max_unpacked_bytes=self.max_unpacked_bytes,
            max_bad_rows_share=self.max_bad_rows_share,
            max_unpacking_ratio=self.max_unpacking_ratio,
            max_blank_lines=self.max_blank_lines,
        )

    def gate_rules(self) -> GateRules:
        """Return the limits of the gate."""
        return GateRules(
            margin=self.promotion_margin,
            confidence=self.promotion_confidence,
            slice_limit=self.slice_limit,
            slice_min_rows=self.slice_min_rows,
        )

    def hold_rule(self) -> HoldRule:
        """Return the limits above which new rows wait for a person."""
        copies = CopyRule(of_new=self.hold_copy_share, of_held_out=self.hold_judged_copy_share)
        return HoldRule(self.hold_score, copies)

    def recipe(self) -> Recipe:
        """Return the settings that determine the model for given rows."""
        return Recipe(**{name: getattr(self, name) for name in Recipe.__dataclass_fields__})
