"""The dashboards are as they are written, sound by our own lint, and have data on every panel."""

import json
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from monitoring.filled import HOURS, filled_prometheus
from monitoring.programs import CHECKOUT, run
from retrain.training.settings import TrainingSettings

PROGRAMS = CHECKOUT / "monitoring/dashboards"
FOLDER = CHECKOUT / "monitoring/grafana/dashboards"
RULES = CHECKOUT / "monitoring/prometheus"
BOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))
}
PANELS: dict[str, dict[str, Any]] = {
    f"{name}: {panel['title']}": panel
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
}
KINDS = {"timeseries", "stat", "table"}
UNITS = {"none", "short", "s", "percentunit", "reqps", "rowsps", "currencyUSD", "suffix:x"}
NAME = r"(?:housing|prediction|service:\w+)[\w:]*"
NO_ALERT = {  # limits that no rule of Prometheus states, and where they come from
    "Alerts that fire": {1.0},  # any
    "Columns that drift": {1.0},  # DataDrift: > 0, and columns are whole
    "Drift (PSI)": {TrainingSettings.model_fields["drift_psi_limit"].default},
}


def rules(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((RULES / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def product(text: str) -> float:
    result = 1.0
    for factor in text.split("*"):
        result *= float(factor)
    return result


def queries(panel: dict[str, Any]) -> list[str]:
    return [target["expr"] for target in panel["targets"]]


def written(subject: str) -> tuple[str, dict[str, str]]:
    """Return the name of the folder and the files that the program writes for a subject."""
    code = (
        "import json, write_dashboards as w; print(json.dumps([w.FOLDER.name, w.written()]), "
        "flush=True)"
    )
    made = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROGRAMS,
        env={
            "PYTHONPATH": str(PROGRAMS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOUSING_SUBJECT": subject,
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    folder, files = json.loads(made.stdout)
    return folder, files


def panels_of(files: dict[str, str]) -> dict[str, dict[str, Any]]:
    boards = [json.loads(text) for text in files.values()]
    return {p["title"]: p for board in boards for p in board["panels"] if p["type"] != "row"}


def test_the_files_are_what_the_program_writes() -> None:
    kept = {path.name: path.read_text() for path in FOLDER.glob("*.json")}

    assert written("") == (FOLDER.name, kept), "write them again: make dashboards"


def test_the_dashboards_of_a_classification_show_its_log_loss_and_no_interval() -> None:
    folder, files = written("default")

    panels = panels_of(files)
    asked = " ".join(query for panel in panels.values() for query in queries(panel))
    shown = set(re.findall(NAME, asked))
    assert folder == "default"
    assert {f"housing_{n}_log_loss" for n in ("champion", "challenger", "live")} <= shown
    assert shown <= {rule["record"] for rule in rules("recording.yaml") + rules("slo.yaml")}
    assert not re.search("rmse|coverage", asked)
    assert {p["fieldConfig"]["defaults"]["unit"] for p in panels.values()} <= UNITS - {
        "currencyUSD"
    }
    assert set(queries(panels["Live error over test error"])) == {
        "max(housing_live_log_loss) / (min(housing_champion_log_loss) > 0)"
    }


def test_the_dashboards_of_another_regression_show_its_error_in_its_own_unit() -> None:
    panels = panels_of(written("diamonds")[1])

    champion = panels["Champion's error"]
    assert queries(champion) == ["min(housing_champion_rmse)"]
    assert champion["fieldConfig"]["defaults"]["unit"] == "currencyUSD"
    assert "Interval coverage" in panels


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_is_in_grafanas_current_form(name: str) -> None:
    board = BOARDS[name]
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]

    assert board["schemaVersion"] == 42
    assert board["uid"] == f"housing-{name}"
    assert [(v["name"], v["type"]) for v in board["templating"]["list"]] == [
        ("datasource", "datasource")
    ]
    assert len(set(ids)) == len(ids)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", BOARDS)
def test_no_panel_lies_on_another(name: str) -> None:
    places = [panel["gridPos"] for panel in BOARDS[name]["panels"]]

    assert all(place["x"] + place["w"] <= 24 for place in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
def test_a_panel_says_what_it_shows_and_in_which_unit(panel: dict[str, Any]) -> None:
    assert panel["type"] in KINDS
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    for target in panel["targets"]:
        assert panel["datasource"] == target["datasource"]
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert 0 < len(target["legendFormat"]) <= 24


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
def test_counters_are_rated_and_gauges_are_not(panel: dict[str, Any]) -> None:
    for query in queries(panel):
        rated = set(re.findall(rf"(?:rate|increase)\(({NAME})", query))
        named = set(re.findall(NAME, query))
        counters = {n for n in named if n.endswith(("_total", "_sum", "_count", ":total"))}
        assert rated == counters


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS.keys())
def test_a_limit_is_that_of_the_alert_on_the_same_metric(panel: dict[str, Any]) -> None:
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    limits = {step["value"] for step in steps if step["value"] is not None}
    names = {name for query in queries(panel) for name in re.findall(NAME, query)}
    scale = next((float(f[1]) for q in queries(panel) if (f := re.search(r"/ (0\.\d+)$", q))), 1.0)
    compared = r"[<>]=?\s*(?:bool\s+)?((?:[\d.]+)(?:\s*\*\s*[\d.]+)*)"
    known = {
        round(product(number) / scale, 6)
        for rule in rules("alerts.yaml") + rules("slo.yaml")
        if names & set(re.findall(NAME, rule["expr"]))
        for number in re.findall(compared, rule["expr"])
    }

    assert limits <= known | NO_ALERT.get(panel["title"], set())


def test_every_query_is_promql_over_names_that_rules_record(tmp_path: Path) -> None:
    all_queries = [query for panel in PANELS.values() for query in queries(panel)]
    checked = [
        {"record": f"query_{i}", "expr": query.replace("$__rate_interval", "5m")}
        for i, query in enumerate(all_queries)
    ]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": checked}]}))
    made = {rule["record"] for rule in rules("slo.yaml")}
    used = {name for query in all_queries for name in re.findall(r"service:[\w:]+", query)}

    assert used <= made
    run("promtool", "check", "rules", "--lint=none", str(path))


def test_every_panel_has_data_and_the_pictures_are_drawn(tmp_path: Path) -> None:
    of_classification = tmp_path / "boards"
    of_classification.mkdir()
    (of_classification / "default.json").write_text(written("default")[1]["model.json"])
    with filled_prometheus(tmp_path) as url:
        for boards in (FOLDER, of_classification):
            code = subprocess.run(
                [
                    sys.executable,
                    PROGRAMS / "draw_dashboards.py",
                    f"--prometheus={url}",
                    f"--boards={boards}",
                    f"--out={tmp_path}",
                    f"--hours={HOURS}",
                    "--strict",
                ],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )

            assert (code.returncode, code.stdout, code.stderr) == (0, "", "")
    for name in [*BOARDS, "default"]:
        with Image.open(tmp_path / f"dashboard-{name}.png") as picture:
            assert picture.width > 1_000
            assert len(picture.convert("L").getcolors() or []) > 50


def test_a_prometheus_that_is_away_is_named(tmp_path: Path) -> None:
    away = "http://127.0.0.1:9"
    done = subprocess.run(
        [
            sys.executable,
            PROGRAMS / "draw_dashboards.py",
            f"--prometheus={away}",
            f"--out={tmp_path}",
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 2
    assert f"error: no Prometheus answers at {away}" in done.stderr
