"""``docs/configuration.md`` lists every setting, with its default and its meaning."""

import re
from collections.abc import Iterator

import pytest
from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from housing_cli.settings import Settings as CliSettings
from housing_ops.checkout import CHECKOUT
from local_stack.settings import StackSettings
from notify.settings import NotifySettings
from predict.settings import PredictSettings
from retrain.settings import RetrainSettings
from retrain.training.settings import TrainingSettings

PAGE = CHECKOUT / "docs/configuration.md"
SECTIONS: dict[str, type[BaseSettings]] = {
    "The predict function": PredictSettings,
    "The retrain function": RetrainSettings,
    "The notify function": NotifySettings,
    "The training job": TrainingSettings,
    "The command line": CliSettings,
    "The local stack": StackSettings,
}


def variable(model: type[BaseSettings], name: str, field: FieldInfo) -> str:
    alias = field.validation_alias
    if isinstance(alias, AliasChoices):
        alias = alias.choices[0]
    return str(alias) if alias else (model.model_config.get("env_prefix", "") + name).upper()


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None or field.default is None or field.default == "":
        return ""
    text = str(field.default)
    return text.removeprefix(f"{CHECKOUT}/")


def rows(model: type[BaseSettings]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"| `{variable(model, name, field)}` | {default(field)} | {field.description} |"


def section(title: str) -> str:
    match = re.search(
        rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert match, f"docs/configuration.md has no section '{title}'"
    return match[1]


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_lists_exactly_the_settings_there_are(title: str) -> None:
    written = [line for line in section(title).splitlines() if line.startswith("| `")]

    assert written == list(rows(SECTIONS[title]))


@pytest.mark.parametrize("title", SECTIONS)
def test_every_setting_says_what_it_is_for(title: str) -> None:
    fields = SECTIONS[title].model_fields

    assert not [name for name, field in fields.items() if not field.description]
