"""Results of a job, in its status: rows of the upload, drift, verdict, hold."""

import math
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

MOST_HELD_PLACES = 20
MOST_HELD_JOBS = 100


def _either(rmse: float | None, log_loss: float | None) -> float:
    """Return the one of two errors that there is; NaN without any."""
    if rmse is not None:
        return rmse
    return math.nan if log_loss is None else log_loss


class RowCounts(BaseModel):
    """Counts of an upload's rows."""

    read: int
    accepted: int
    rejected: int
    new: int = Field(description="accepted rows that the data set did not hold yet")
    duplicates: int = Field(0, description="accepted rows that repeat another one of the file")
    known: int = Field(0, description="accepted rows that the data set held before")
    revised: int = Field(0, description="accepted rows that it held with another target")


class SliceChange(BaseModel):
    """Champion and challenger on a slice of the held-out rows; RMSE in the target's unit."""

    name: str
    rows: int
    challenger_rmse: float | None = None
    champion_rmse: float | None = None
    challenger_log_loss: float | None = Field(None, description="of a classification")
    champion_log_loss: float | None = None
    change: float = Field(description="of the error, as a share of the champion's")
    is_worse: bool = Field(description="by more than the limit, and not by chance")

    @property
    def challenger_error(self) -> float:
        """RMSE or log loss of the challenger."""
        return _either(self.challenger_rmse, self.challenger_log_loss)

    @property
    def champion_error(self) -> float:
        """RMSE or log loss of the champion."""
        return _either(self.champion_rmse, self.champion_log_loss)


class ColumnDrift(BaseModel):
    """Drift of a column: new rows against the rows before."""

    name: str
    psi: float = Field(description="population stability index, less what chance gives it")
    ks: float = Field(description="Kolmogorov-Smirnov statistic; of levels, how far shares differ")
    p_value: float = Field(description="of the Kolmogorov-Smirnov or chi-square test")
    level: str | None = Field(
        None, description="of a category or boolean: the level whose share the means are"
    )
    mean_before: float
    mean_after: float = Field(description="mean of the new rows")
    drifted: bool


class Drift(BaseModel):
    """Drift of an upload's new rows against the data set before."""

    rows: int = Field(description="new rows")
    reference_rows: int = Field(description="rows before")
    reason: str | None = Field(None, description="why nothing was measured")
    columns: list[ColumnDrift] = []
    warnings: list[str] = Field([], description="a sentence for each column that drifts")


class LiveFigures(BaseModel):
    """Figures of the model in production on new rows."""

    version: str
    rows: int = Field(description="rows that it was measured on")
    reason: str | None = Field(None, description="why nothing was measured")
    rmse: float | None = Field(None, description="in the target's unit")
    log_loss: float | None = Field(None, description="of a classification")
    coverage: float | None = Field(None, description="share of actual prices within the interval")


class ShadowFigures(BaseModel):
    """Figures of a challenger's shadow on real requests; differences in the target's unit."""

    version: str
    days: int = Field(description="over so many last days")
    requests: int = Field(description="requests that it was to price, whatever came of it")
    errors: int
    timed_out: int = Field(description="requests that it was too slow for")
    mean_difference: float | None = None
    worst_difference: float | None = None


class Verdict(BaseModel):
    """The gate's decision on a new version; errors in the target's unit, changes as shares."""

    promote: bool
    reason: str
    challenger_rmse: float | None = None
    champion_rmse: float | None = None
    challenger_log_loss: float | None = Field(None, description="of a classification")
    champion_log_loss: float | None = None
    champion_version: str | None = None
    baseline_rmse: float | None = Field(None, description="of the baseline, for a first model")
    baseline_log_loss: float | None = Field(None, description="of the baseline, for a first model")
    holdout_rows: int
    change: float | None = None
    change_lower: float | None = None
    change_upper: float | None = None
    margin: float | None = None
    confidence: float | None = Field(None, description="of change_lower and of change_upper")
    slices: list[SliceChange] = []
    held: bool = Field(default=False, description="whatever the figures say, the version waits")
    shadow: ShadowFigures | None = Field(None, description="of the challenger at that time")

    @property
    def challenger_error(self) -> float:
        """RMSE or log loss of the challenger."""
        return _either(self.challenger_rmse, self.challenger_log_loss)

    @property
    def champion_error(self) -> float | None:
        """RMSE or log loss of the champion, if it was compared."""
        return self.champion_log_loss if self.champion_rmse is None else self.champion_rmse


class HeldPlace(BaseModel):
    """A group of new rows that contradict production; targets in their unit."""

    latitude: float | None = Field(None, description="of the middle; None where they lie apart")
    longitude: float | None = None
    radius_km: float | None = None
    alike: str | None = Field(None, description="what rows that lie apart have in common")
    rows: int = Field(description="those whose prices are too far off production's")
    of_rows: int = Field(description="new rows there")
    side: Literal["below", "above", "outside"] = Field(description="of production's prices")
    production_price: float = Field(description="production's median price of those rows")
    upload_price: float = Field(description="median of their own prices")
    jobs: list[str] = Field([], max_length=MOST_HELD_JOBS, description="that brought them")

    def where(self) -> str:
        """Describe the place."""
        if self.latitude is None or self.longitude is None or self.radius_km is None:
            return self.alike or "rows alike"
        return f"{self.latitude:.2f}, {self.longitude:.2f}, within {self.radius_km:.1f} km"


class Held(BaseModel):
    """Reason for which a version is held for a person."""

    kind: Literal["data", "stop", "excluded"] = Field(
        description="data: new rows contradict production, or copy known ones; "
        "stop: automatic promotion is, or was meanwhile, stopped; "
        "excluded: rows that it was trained on were excluded meanwhile"
    )
    reason: str
    since: datetime | None = Field(None, description="of a stop")
    who: str | None = Field(None, description="who stopped")
    rows: int | None = Field(None, description="new rows that were looked at")
    supported_rows: int | None = Field(None, description="those near rows that production knows")
    score: float | None = Field(None, description="of the scan: -log10 of the chance of the worst")
    score_limit: float | None = None
    miss_share: float | None = Field(
        None, description="of the supported rows' prices, outside production's interval"
    )
    copy_share: float | None = Field(None, description="of the new rows, shifted copies of known")
    places: list[HeldPlace] = Field([], max_length=MOST_HELD_PLACES)
    jobs: list[str] = Field([], max_length=MOST_HELD_JOBS, description="whose parts are held")
