"""Parts of a Grafana dashboard, as small as they can be said; Grafana fills in its defaults.

Dashboards are written by a program because a panel is six lines here and a hundred of JSON: the
differences between panels can be read, and a limit is named once. The JSON's form:
https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA_VERSION = 42  # Grafana 12
WIDTH = 24
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_GREEN, _ORANGE, _RED = "green", "orange", "red"


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a value turns from good to bad: upwards, or ``below`` the warning."""

    warning: float | None = None
    critical: float | None = None
    below: bool = False

    def steps(self) -> list[dict[str, Any]]:
        """Return Grafana's thresholds, from the lowest."""
        if self.below:
            return [_step(None, _ORANGE), _step(self.warning, _GREEN)]
        marks = [(self.warning, _ORANGE), (self.critical, _RED)]
        return [_step(None, _GREEN), *(_step(at, color) for at, color in marks if at is not None)]


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: queries by their legend, in PromQL."""

    title: str
    description: str
    unit: str
    queries: Mapping[str, str]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    limits: Limits | None = None
    decimals: int | None = None
    bottom: float | None = None
    """Where the axis begins."""
    top: float | None = None
    stacked: bool = False
    stepped: bool = False
    bars: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    """Text that is shown instead of a value."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of a table: labels that are shown, and how they are headed."""

    def json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """Return Grafana's form of it, at a place on the grid."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": _DATASOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "options": self._options(),
            "targets": [
                self._target(chr(ord("A") + i), legend, query)
                for i, (legend, query) in enumerate(self.queries.items())
            ],
            **({"transformations": self._transformations()} if self.kind == "table" else {}),
        }

    def _target(self, ref: str, legend: str, query: str) -> dict[str, Any]:
        target = {"refId": ref, "datasource": _DATASOURCE, "expr": query, "legendFormat": legend}
        if self.kind == "timeseries":
            return {**target, "range": True}
        shape = {"format": "table"} if self.kind == "table" else {}
        return {**target, "instant": True, **shape}

    def _defaults(self) -> dict[str, Any]:
        steps = self.limits.steps() if self.limits else [_step(None, _GREEN)]
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "thresholds": {"mode": "absolute", "steps": steps},
            "color": {"mode": "palette-classic" if self.kind == "timeseries" else "thresholds"},
        }
        chosen = {"decimals": self.decimals, "min": self.bottom, "max": self.top}
        defaults |= {name: value for name, value in chosen.items() if value is not None}
        if self.words:
            options = {value: {"text": text} for value, text in self.words.items()}
            defaults["mappings"] = [{"type": "value", "options": options}]
        if self.kind == "timeseries":
            defaults["custom"] = self._drawing()
        return defaults

    def _drawing(self) -> dict[str, Any]:
        return {
            "drawStyle": "bars" if self.bars else "line",
            "lineInterpolation": "stepAfter" if self.stepped else "linear",
            "fillOpacity": 60 if self.bars else 10,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if self.stacked else "none", "group": "A"},
            "thresholdsStyle": {"mode": "dashed" if self.limits else "off"},
        }

    def _options(self) -> dict[str, Any]:
        if self.kind == "timeseries":
            legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        if self.kind == "table":
            return {"showHeader": True, "cellHeight": "sm"}
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "value_and_name" if len(self.queries) > 1 else "value",
        }

    def _transformations(self) -> list[dict[str, Any]]:
        named = {f"Value #{chr(ord('A') + i)}": name for i, name in enumerate(self.queries)}
        if len(named) == 1:
            named = dict.fromkeys(["Value"], next(iter(self.queries)))
        names = {**self.columns, **named}
        kept = {"include": {"names": list(names)}}
        return [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": kept},
            {"id": "organize", "options": {"renameByName": names}},
        ]


def dashboard(
    uid: str, title: str, description: str, rows: Mapping[str, Sequence[Panel]], *, since: str
) -> dict[str, Any]:
    """Return a dashboard: rows of panels, laid out from left to right.

    Args:
        uid: Its address in Grafana.
        title: Its name.
        description: What it is for.
        rows: Panels by the title of their row.
        since: The time range it opens with, such as ``now-6h``.
    """
    return {
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["housing"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": since, "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_variable()]},
        "links": [_link()],
        "panels": list(_placed(rows)),
    }


def _placed(rows: Mapping[str, Sequence[Panel]]) -> Iterable[dict[str, Any]]:
    number, y = 1, 0
    for title, panels in rows.items():
        where = {"x": 0, "y": y, "w": WIDTH, "h": 1}
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": where}
        number, y, x, height = number + 1, y + 1, 0, 0
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y, height = 0, y + height, 0
            yield panel.json(number, x, y)
            number, x, height = number + 1, x + panel.width, max(height, panel.height)
        y += height


def _step(value: float | None, color: str) -> dict[str, Any]:
    return {"color": color, "value": value}


def _variable() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {"text": "Prometheus", "value": "prometheus"},
    }


def _link() -> dict[str, Any]:
    return {
        "title": "Housing",
        "type": "dashboards",
        "tags": ["housing"],
        "asDropdown": False,
        "keepTime": True,
    }
