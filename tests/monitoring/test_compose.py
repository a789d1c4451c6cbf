"""The compose file's form. Nothing of it was run here: that wants a Docker engine."""

import json
import re
from typing import Any

import pytest
import yaml

from monitoring.programs import CHECKOUT, run

FOLDER = CHECKOUT / "monitoring"
TEXT = (FOLDER / "docker-compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PORTS = {
    "yace": 5002,
    "yace-hours": 5003,
    "prometheus": 9090,
    "alertmanager": 9093,
    "grafana": 3000,
}
MOUNTS = [
    pytest.param(source, target, id=target)
    for service in SERVICES.values()
    for source, target in (
        re.fullmatch(r"(.+?):(/.+?)(?::ro)?", volume).groups()  # type: ignore[union-attr]
        for volume in service["volumes"]
        if not volume.startswith("${")
    )
]


def test_each_listens_on_its_port_of_loopback_only() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items()}

    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in PORTS.items()}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_watched_and_without_privileges(name: str) -> None:
    service = SERVICES[name]

    assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?", service["image"])
    assert f"//127.0.0.1:{PORTS[name]}/" in service["healthcheck"]["test"][-1]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "pid", "user"} & set(service)


@pytest.mark.parametrize(("source", "target"), MOUNTS)
def test_what_is_mounted_is_there(source: str, target: str) -> None:
    assert source in COMPOSE["volumes"] or (FOLDER / source).exists(), target


def test_what_comes_from_the_host_is_read_only() -> None:
    mounted = [volume for service in SERVICES.values() for volume in service["volumes"]]

    assert all(v.endswith(":ro") for v in mounted if v.startswith((".", "$", "/")))


def test_no_password_has_a_default() -> None:
    environment = SERVICES["grafana"]["environment"]

    assert environment["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_ADMIN_PASSWORD:?")
    assert not re.search(r"(?i)(password|secret|token)\w*: [^$\s]", TEXT.replace("GF_SEC", ""))


def test_the_page_of_settings_lists_what_the_file_takes_from_the_environment() -> None:
    page = (CHECKOUT / "docs/configuration.md").read_text()
    section = page.partition("## Monitoring under docker compose")[2].partition("\n## ")[0]
    listed = dict(re.findall(r"^\| `(\w+)` \| (\S*) *\|", section, re.MULTILINE))
    taken = re.findall(r"^(?!#).*\$\{(\w+)(:[-?])([^}]*)\}", TEXT, re.MULTILINE)
    handed_on = [n for n, v in SERVICES["yace"]["environment"].items() if v is None]

    assert listed == {
        **{name: default if how == ":-" else "required" for name, how, default in taken},
        **dict.fromkeys(handed_on, ""),
    }


def test_under_compose_the_targets_are_the_services() -> None:
    def targets(folder: str) -> dict[str, list[dict[str, list[str]]]]:
        return {p.stem: yaml.safe_load(p.read_text()) for p in (FOLDER / folder).glob("*.yaml")}

    scraped = set(PORTS) - {"grafana"}
    hosts = {name: name for name in scraped} | {"prometheus": "127.0.0.1"}
    assert targets("compose") == {
        name: [{"targets": [f"{hosts[name]}:{PORTS[name]}"]}] for name in scraped
    }
    assert targets("prometheus/targets") == {
        name: [{"targets": [f"127.0.0.1:{PORTS[name]}"]}] for name in scraped
    }


def test_grafana_finds_its_data_source_and_its_dashboards() -> None:
    provisioning = FOLDER / "grafana/provisioning"
    [source] = yaml.safe_load((provisioning / "datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    [provider] = yaml.safe_load((provisioning / "dashboards/housing.yaml").read_text())["providers"]
    mounted = dict(volume.rsplit(":", 2)[:2] for volume in SERVICES["grafana"]["volumes"][:2])

    assert source["url"] == f"http://prometheus:{PORTS['prometheus']}"
    assert mounted["${HOUSING_DASHBOARDS:-./grafana/dashboards}"] == provider["options"]["path"]
    for path in (FOLDER / "grafana/dashboards").glob("*.json"):
        [variable] = json.loads(path.read_text())["templating"]["list"]
        assert variable["current"] == {"text": source["name"], "value": source["uid"]}


def test_promtool_accepts_the_configuration() -> None:
    run("promtool", "check", "config", "--syntax-only", str(FOLDER / "prometheus/prometheus.yaml"))
