"""The model card: data, metrics by slice, and limits of a version.

After M. Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.
"""

from collections.abc import Iterator, Mapping, Sequence

from housing.jobs.results import Drift
from housing.schema import (
    CAP,
    FEATURES,
    GEOGRAPHY,
    INTERVAL_COVERAGE,
    SUBJECT,
    TARGET,
    in_unit,
)
from retrain.training.dataset.snapshot import Snapshot
from retrain.training.dataset.split import Split
from retrain.training.gate.slices import Slice
from retrain.training.markdown import code_span
from retrain.training.model.metric import IS_CLASSIFICATION

_VALUE = SUBJECT.output if GEOGRAPHY else TARGET.name


def model_card(
    snapshot: Snapshot,
    metrics: Mapping[str, float],
    measured: Sequence[Slice],
    rows: Split,
) -> str:
    """Return the card, in Markdown.

    Args:
        snapshot: The data.
        metrics: Metrics on the held-out rows.
        measured: Metrics by slice.
        rows: Fitting and held-out rows.
    """
    return "\n".join(_lines(snapshot, metrics, measured, rows))


def drift_section(drift: Drift) -> str:
    """Return the card's section on drift, with a leading blank line."""
    rows = f"{drift.rows:,} new rows against {drift.reference_rows:,} before"
    count = f"{len(drift.warnings) or 'none'} of {len(drift.columns)} columns"
    outcome = f"Not measured: {drift.reason}." if drift.reason else f"{rows}: {count} drift."
    warnings = [f"- {warning}" for warning in drift.warnings]
    return "\n".join(["", "", "## Drift of the newest rows", outcome, *warnings])


def _lines(
    snapshot: Snapshot,
    metrics: Mapping[str, float],
    measured: Sequence[Slice],
    rows: Split,
) -> Iterator[str]:
    yield f"# {SUBJECT.card_title or SUBJECT.title}"
    yield ""
    yield f"Predicts {_predicted()}."
    yield ""
    yield "## Data"
    yield (
        f"{len(snapshot):,} distinct rows, source {code_span(snapshot.data_source)}, data set "
        f"`{snapshot.dataset_id[:12]}`. {len(rows.holdout):,} of them, chosen by a keyed hash of "
        f"{_drawn_by()}, were held out: no version is fitted on them or on a near "
        f"copy of them. {rows.copies:,} more have a near copy among the fitted rows; no figure "
        "below counts them."
    )
    yield ""
    if GEOGRAPHY:
        yield (
            "A held-out row has no fitted neighbour at its own place. At places that the model "
            "knows, expect errors that are lower by some 5 %."
        )
        yield ""
    yield "## On the held-out rows"
    yield "| measure | value |"
    yield "|---|---|"
    for name, value in metrics.items():
        yield f"| {name} | {value:.4g} |"
    yield ""
    headings = list(measured[0].figures) if measured else []
    yield f"| {' | '.join(['slice', 'rows', *headings])} |"
    yield f"|---|---|{'---|' * len(headings)}"
    for one in measured:
        numbers = " | ".join(f"{value:.3f}" for value in one.figures.values())
        yield f"| {one.name} | {one.rows:,} | {numbers} |"
    yield ""
    yield "## Limits"
    if GEOGRAPHY:
        yield (
            "- `spatial_rmse` is the error where a whole region was left out; where no training "
            "row is near (`nearest_training_km`), expect that one, not `rmse`."
        )
    if CAP:
        yield f"- {CAP.limit}"
    if IS_CLASSIFICATION:
        yield (
            "- The probability is calibrated on all rows; in slices it differs from the share of "
            "true ones, as the table shows."
        )
    else:
        yield (
            f"- The interval is calibrated on all rows and by band of predicted {_VALUE}; in other "
            "slices its coverage differs, as the table shows."
        )
    yield from (f"- {limit}" for limit in SUBJECT.limits)


def _predicted() -> str:
    """Return what is predicted, in what unit, and from what."""
    described = f"{TARGET.description.lower()}{in_unit()}".removeprefix(", ")
    target = f"{TARGET.name} ({described})" if described else TARGET.name
    columns = ", ".join(column.name for column in FEATURES)
    if IS_CLASSIFICATION:
        return f"the probability of {target} from {columns}"
    return (
        f"{target} from {columns}, with an interval that shall hold {INTERVAL_COVERAGE:.0%} of the "
        "true values"
    )


def _drawn_by() -> str:
    return f"their place to {GEOGRAPHY.step:g}°" if GEOGRAPHY else "their features"
