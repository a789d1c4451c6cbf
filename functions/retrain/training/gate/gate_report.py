"""The gate's verdict in the words and numbers that stand on the version."""

from collections.abc import Iterator

from housing.jobs.results import Verdict
from housing.registry.port import Tag

HELD = "held"
"""The tag of a verdict that is not final: the version waits."""
_HEADING = "## Gate"
_HEADS = {"promoted": "Promoted", "rejected": "Not promoted", HELD: "Held"}
_NUMBERS = (
    "challenger_rmse",
    "champion_rmse",
    "champion_version",
    "baseline_rmse",
    "holdout_rows",
    "change",
    "change_lower",
    "change_upper",
    "margin",
    "confidence",
)


def verdict_tags(verdict: Verdict) -> dict[str, str]:
    """Return the tags of a judged version; the verdict itself comes last."""
    numbers = verdict.model_dump(include=set(_NUMBERS), exclude_none=True)
    worse = [one.name for one in verdict.slices if one.is_worse]
    return {
        **{f"{Tag.GATE_PREFIX}{name}": _text(value) for name, value in numbers.items()},
        **({f"{Tag.GATE_PREFIX}worse_slices": ", ".join(worse)} if worse else {}),
        Tag.VERDICT_REASON: verdict.reason,
        Tag.VERDICT: _word(verdict),
    }


def _word(verdict: Verdict) -> str:
    if verdict.held:
        return HELD
    return "promoted" if verdict.promote else "rejected"


def with_verdict(card: str, verdict: Verdict) -> str:
    """Return a model card with the gate's section at its end, in place of an earlier one."""
    before = card.partition(_HEADING)[0].rstrip()
    return "\n".join([before, "", *_section(verdict)]).lstrip()


def _section(verdict: Verdict) -> Iterator[str]:
    yield _HEADING
    yield f"{_HEADS[_word(verdict)]}: {verdict.reason}."
    if not verdict.slices:
        return
    yield ""
    yield f"| slice | rows | version {verdict.champion_version} | this version | change |"
    yield "|---|---|---|---|---|"
    for one in verdict.slices:
        change = f"{one.change:+.1%}{', too much' if one.is_worse else ''}"
        numbers = f"{one.champion_rmse:.4f} | {one.challenger_rmse:.4f} | {change}"
        yield f"| {one.name} | {one.rows:,} | {numbers} |"


def _text(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
