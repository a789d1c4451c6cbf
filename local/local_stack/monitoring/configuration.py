"""Write the configuration of the monitoring: that of ``monitoring/``, with this stack's addresses.

Prometheus watches the folder of its targets: a file is replaced, its folder never. A folder that
was removed is watched again only after the five minutes of ``file_sd``.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from housing_ops.checkout import CHECKOUT
from local_stack.settings import LOOPBACK, StackSettings

SOURCES = CHECKOUT / "monitoring"
SECRETS = {
    "slack_configs": "slack_webhook_url",
    "email_configs": "smtp_password",
}
"""Files in ``monitoring/alertmanager/secrets/`` by the notifications that need them."""
_DELAY_SECONDS = 60  # the local endpoint has the metrics of a minute within the next


def write(settings: StackSettings, folder: Path, *, sources: Path = SOURCES) -> None:
    """Write the files that differ from those in the folder, and delete those without a source."""
    files = _prometheus(settings, sources) | {
        Path("yace.yaml"): _yace((sources / "yace" / "config.yaml").read_text()),
        Path("yace-hours.yaml"): (sources / "yace" / "hours.yaml").read_text(),
        Path("alertmanager.yaml"): _alertmanager(sources / "alertmanager"),
    }
    for path, text in files.items():
        _replace(folder / path, text)
    for path in (folder / "prometheus").rglob("*.yaml"):
        if path.relative_to(folder) not in files:
            path.unlink()


def missing_secrets(sources: Path = SOURCES) -> list[str]:
    """Return the secrets without which Alertmanager sends nothing to Slack, or no e-mail."""
    folder = sources / "alertmanager" / "secrets"
    return [name for name in SECRETS.values() if not (folder / name).exists()]


def _prometheus(settings: StackSettings, sources: Path) -> dict[Path, str]:
    files = {
        path.relative_to(sources): path.read_text()
        for path in (sources / "prometheus").rglob("*.yaml")
    }
    for name, port in settings.monitoring_ports.items():
        target = f'- targets: ["{LOOPBACK}:{port}"]\n'
        files[Path("prometheus", "targets", f"{name}.yaml")] = target
    return files


def _yace(source: str) -> str:
    return re.sub(r"(?m)^( +delay): \d+$", rf"\1: {_DELAY_SECONDS}", source)


def _alertmanager(source: Path) -> str:
    """Return the configuration without the notifications whose secret is not there.

    With them, each alert would fail to be sent, and that is an alert again.
    """
    config: dict[str, Any] = yaml.safe_load((source / "alertmanager.yaml").read_text())
    files = config["global"]
    for name in [name for name in files if name.endswith("_file")]:
        files[name] = str(source / files[name])
    config["templates"] = [str(source / name) for name in config["templates"]]
    for receiver in config["receivers"]:
        for kind, secret in SECRETS.items():
            if not (source / "secrets" / secret).exists():
                receiver.pop(kind, None)
    return yaml.safe_dump(config, allow_unicode=True, sort_keys=False)


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(text)
    part.replace(path)
