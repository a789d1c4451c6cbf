"""Where the command line finds its settings."""

from pathlib import Path

import pytest

from housing_cli.errors import MissingSettingError
from housing_cli.settings import Settings


@pytest.fixture
def dotenv(folder: Path) -> Path:
    path = folder / ".local" / "env"
    path.parent.mkdir()
    path.write_text("HOUSING_BUCKET=from-file\nHOUSING_OTHER=x\n", encoding="ascii")
    return path


@pytest.mark.usefixtures("dotenv")
def test_the_dotenv_file_gives_what_the_environment_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOUSING_BUCKET")

    assert Settings().bucket == "from-file"


@pytest.mark.usefixtures("dotenv")
def test_the_environment_comes_before_the_dotenv_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_BUCKET", "from-environment")

    assert Settings().bucket == "from-environment"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "")

    assert Settings().aws_endpoint_url is None


@pytest.mark.parametrize(
    ("attribute", "variable"),
    [
        ("bucket", "HOUSING_BUCKET"),
        ("tracking_uri", "MLFLOW_TRACKING_URI"),
        ("api_url", "HOUSING_API_URL"),
        ("api_key", "HOUSING_API_KEY"),
        ("predict_log_group", "HOUSING_PREDICT_LOG_GROUP"),
    ],
)
def test_a_missing_setting_is_named_by_its_variable(
    attribute: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable)

    with pytest.raises(MissingSettingError, match=rf"^{variable} is not set"):
        getattr(Settings(), attribute)


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "only-i-know")
    monkeypatch.setenv("HOUSING_API_KEY", "nor-this")

    settings = Settings()

    assert settings.api_key == "nor-this"
    assert "only-i-know" not in repr(settings)
    assert "nor-this" not in repr(settings)
