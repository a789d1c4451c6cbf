"""Pictures of dashboards: each panel where Grafana puts it, drawn from what Prometheus returned."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matplotlib import dates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from asking import Range, Series
from units import in_words

_COLUMNS = 24
_COLUMN_INCHES, _ROW_INCHES = 0.7, 0.36
_TITLE_ROWS = 1.1
_COLORS = {"green": "#3f8f4f", "orange": "#d9822b", "red": "#c4314b"}
_LINES = ["#3274d9", "#e0872f", "#4d9a57", "#b0489d", "#7f6fc9", "#2a9d9d", "#a0522d", "#888888"]
_INK, _PALE, _PAPER = "#24292f", "#8c959f", "#f4f5f5"
_TABLE_ROWS = 9
_LONG_LABEL, _LABELS_OF_A_LINE = 16, 5
_DAY_SECONDS = 86_400

Answers = Mapping[int, Sequence[Series]]
"""Series by the panel's id."""


def draw(board: Mapping[str, Any], answers: Answers, shown: Range, path: Path) -> None:
    """Write the picture of a dashboard.

    Args:
        board: The dashboard, as Grafana reads it.
        answers: What Prometheus returned for each panel.
        shown: The times that are shown.
        path: The PNG.
    """
    panels = board["panels"]
    rows = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in panels) + _TITLE_ROWS
    figure = Figure((_COLUMNS * _COLUMN_INCHES, rows * _ROW_INCHES), facecolor=_PAPER)
    ended = datetime.fromtimestamp(shown.end, UTC)
    began = datetime.fromtimestamp(shown.end - shown.seconds, UTC)
    top = 1 - 0.55 / rows
    figure.text(0.006, top, board["title"], va="center", size=14, weight="bold", color=_INK)
    times = f"{began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M} UTC"
    figure.text(0.994, top, times, va="center", ha="right", size=10, color=_PALE)
    for panel in panels:
        where = panel["gridPos"]
        x, width = where["x"] / _COLUMNS, where["w"] / _COLUMNS
        height = where["h"] / rows
        y = 1 - (where["y"] + where["h"] + _TITLE_ROWS) / rows
        if panel["type"] == "row":
            title = panel["title"]
            figure.text(0.006, y + height / 2, title, va="center", size=11, color=_INK)
            continue
        axes = figure.add_axes((x + 0.002, y + 0.12 / rows, width - 0.004, height - 0.24 / rows))
        _draw_panel(axes, panel, answers.get(panel["id"], []), shown)
    figure.savefig(path, dpi=100, facecolor=_PAPER)


def _draw_panel(
    box: Axes, panel: Mapping[str, Any], series: Sequence[Series], shown: Range
) -> None:
    box.set_axis_off()
    box.set_xlim(0, 1)
    box.set_ylim(0, 1)
    frame = FancyBboxPatch((0, 0), 1, 1, boxstyle="square,pad=0", facecolor="white", ec="#d8dbde")
    box.add_patch(frame)
    height = panel["gridPos"]["h"]
    title = panel["title"]
    box.text(0.02, 1 - 0.5 / height, title, va="center", size=9.5, weight="bold", color=_INK)
    if not series:
        box.text(0.5, 0.45, "no data", ha="center", va="center", size=11, color=_PALE)
    elif panel["type"] == "timeseries":
        _draw_lines(box.inset_axes((0.12, 0.27, 0.85, 0.6)), panel, series, shown)
    elif panel["type"] == "table":
        _draw_table(box, panel, series)
    else:
        _draw_values(box, panel, series)


def _draw_lines(
    axes: Axes, panel: Mapping[str, Any], answers: Sequence[Series], shown: Range
) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    style = defaults["custom"]
    width = shown.step / _DAY_SECONDS
    below: dict[float, float] = {}
    for i, series in enumerate(answers):
        color = _LINES[i % len(_LINES)]
        numbers = _days(series.times)
        floor = [below.get(time, 0.0) for time in series.times]
        values = list(series.values)
        if style["stacking"]["mode"] == "normal":
            values = [value + under for value, under in zip(values, floor, strict=True)]
            below.update(zip(series.times, values, strict=True))
        if style["drawStyle"] == "bars":
            axes.bar(
                numbers, series.values, width, floor, color=color, alpha=0.7, label=series.legend
            )
            continue
        for start, end in _unbroken(series.times, 3 * shown.step):
            part = slice(start, end)
            axes.plot(
                numbers[part],
                values[part],
                color=color,
                lw=1.4,
                drawstyle="steps-post" if style["lineInterpolation"] == "stepAfter" else "default",
                label=None if start else series.legend,
                marker="o" if end - start == 1 else "",
                ms=2.5,
            )
            if style["stacking"]["mode"] == "normal":
                axes.fill_between(numbers[part], floor[part], values[part], color=color, alpha=0.15)
    _dress(axes, defaults, shown)
    _name_lines(axes)


def _name_lines(axes: Axes) -> None:
    labels = axes.get_legend_handles_labels()[1]
    if not labels:
        return
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.46, -0.14),
        ncols=2 if max(map(len, labels)) > _LONG_LABEL else _LABELS_OF_A_LINE,
        fontsize=7.5,
        frameon=False,
        handlelength=1.2,
        columnspacing=1.1,
        labelcolor=_INK,
    )


def _days(times: Sequence[float]) -> list[float]:
    """Return times as matplotlib counts them: in days since 1970."""
    return [time / _DAY_SECONDS for time in times]


def _unbroken(times: Sequence[float], gap: float) -> list[tuple[int, int]]:
    cuts = [i for i in range(1, len(times)) if times[i] - times[i - 1] > gap]
    return list(zip([0, *cuts], [*cuts, len(times)], strict=True))


def _dress(axes: Axes, defaults: Mapping[str, Any], shown: Range) -> None:
    began, ended = _days([shown.end - shown.seconds, shown.end])
    axes.set_xlim(began, ended)
    if "min" in defaults:
        axes.set_ylim(bottom=defaults["min"])
    if "max" in defaults:
        axes.set_ylim(top=defaults["max"])
    low, high = axes.get_ylim()
    for step in defaults["thresholds"]["steps"]:
        if step["value"] is not None and low <= step["value"] <= high:
            axes.axhline(step["value"], color="#c4314b", lw=1, ls="--", alpha=0.7)
    unit = defaults["unit"]
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=_is_whole(defaults)))
    axes.yaxis.set_major_formatter(lambda value, _at: in_words(value, unit))
    axes.xaxis.set_major_locator(dates.AutoDateLocator(maxticks=6))
    form = "%H:%M" if shown.seconds <= 2 * _DAY_SECONDS else "%d %b"
    axes.xaxis.set_major_formatter(dates.DateFormatter(form, tz=UTC))
    axes.tick_params(labelsize=7.5, colors=_PALE, length=0)
    axes.grid(color="#eceef0", lw=0.8)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)


def _is_whole(defaults: Mapping[str, Any]) -> bool:
    return bool(defaults["unit"] == "none" and defaults.get("decimals") == 0)


def _draw_values(box: Axes, panel: Mapping[str, Any], answers: Sequence[Series]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    several = len(answers) > 1
    for i, series in enumerate(answers):
        x = (i + 0.5) / len(answers)
        value = series.values[-1]
        color = _COLORS[_color(value, defaults["thresholds"]["steps"])]
        size = 19 if several else 22
        box.text(x, 0.42, _said(value, defaults), ha="center", va="center", size=size, color=color)
        if several:
            box.text(x, 0.13, series.legend, ha="center", va="center", size=8, color=_PALE)


def _draw_table(box: Axes, panel: Mapping[str, Any], answers: Sequence[Series]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    renamed = panel["transformations"][-1]["options"]["renameByName"]
    labels = {label: head for label, head in renamed.items() if not label.startswith("Value")}
    heads = [head for label, head in renamed.items() if label.startswith("Value")]
    queries = {series.query: None for series in answers}
    cells: dict[tuple[str, ...], dict[str, float]] = {}
    for series in answers:
        key = tuple(series.labels.get(label, "") for label in labels)
        cells.setdefault(key, {})[series.query] = series.values[-1]
    lines = [
        [*key, *(_said(values[q], defaults) if q in values else "" for q in queries)]
        for key, values in sorted(cells.items())
    ]
    width = 0.96 / (len(labels) + len(heads))
    for row, line in enumerate([[*labels.values(), *heads], *lines[:_TABLE_ROWS]]):
        y = 0.84 - row * 0.085
        for column, text in enumerate(line):
            color = _INK if row else _PALE
            box.text(0.02 + column * width, y, text, va="center", size=8.5, color=color)


def _said(value: float, defaults: Mapping[str, Any]) -> str:
    for mapping in defaults.get("mappings", []):
        option = mapping["options"].get(f"{value:g}")
        if option:
            return str(option["text"])
    return in_words(value, defaults["unit"], defaults.get("decimals"))


def _color(value: float, steps: Sequence[Mapping[str, Any]]) -> str:
    passed = [step["color"] for step in steps if step["value"] is None or value >= step["value"]]
    return str(passed[-1])
