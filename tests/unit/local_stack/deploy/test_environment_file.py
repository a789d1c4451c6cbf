import json
import stat
from pathlib import Path

import pytest

from local_stack.deploy.deployment import Deployment
from local_stack.deploy.environment_file import command, write
from local_stack.settings import StackSettings

DEPLOYMENT = Deployment(
    bucket="bucket",
    alert_topic_arn="arn:topic",
    api_gateway_url="http://gateway",
    api_keys_secret="arn:secret",
    usage_plan_id="plan",
    predict_key="predict-key",
    admin_key="admin-key",
    changed=True,
)


def test_the_file_has_the_documented_variables_and_only_its_owner_reads_it(
    tmp_path: Path,
) -> None:
    write(StackSettings(state_dir=tmp_path, api_port=6001), DEPLOYMENT, "{}\n")

    path = tmp_path / "env"
    variables = dict(line.split("=", 1) for line in path.read_text().splitlines())
    promised = {
        *("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"),
        *("MLFLOW_TRACKING_URI", "HOUSING_API_URL", "HOUSING_API_KEY", "HOUSING_ADMIN_KEY"),
        "HOUSING_BUCKET",
    }
    assert promised <= set(variables)
    assert variables["HOUSING_API_URL"] == "http://127.0.0.1:6001"
    assert variables["HOUSING_API_KEY"] == "predict-key"
    assert variables["HOUSING_PREDICT_LOG_GROUP"] == "/aws/lambda/housing-local-predict"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_variables_for_sam_lie_beside_it_and_only_their_owner_reads_them(
    tmp_path: Path,
) -> None:
    write(StackSettings(state_dir=tmp_path), DEPLOYMENT, '{"PredictFunction": {}}\n')

    path = tmp_path / "sam-env.json"
    assert json.loads(path.read_text()) == {"PredictFunction": {}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_ports_that_were_moved_are_remembered_until_they_are_moved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_STATE_DIR", str(tmp_path))
    write(StackSettings(state_dir=tmp_path, api_port=6001, mlflow_port=6002), DEPLOYMENT, "{}\n")
    monkeypatch.setenv("HOUSING_MLFLOW_PORT", "7002")

    settings = StackSettings.of_stack()

    assert (settings.api_port, settings.mlflow_port) == (6001, 7002)


def test_an_endpoint_that_others_run_is_remembered_like_the_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_STATE_DIR", str(tmp_path))
    write(
        StackSettings(state_dir=tmp_path, aws_endpoint="http://127.0.0.1:4600"), DEPLOYMENT, "{}\n"
    )

    assert StackSettings.of_stack().aws_url == "http://127.0.0.1:4600"


def test_the_command_is_executable_and_uses_that_file(tmp_path: Path) -> None:
    settings = StackSettings(state_dir=tmp_path)

    write(settings, DEPLOYMENT, "{}\n")

    path = command(settings)
    assert path.stat().st_mode & stat.S_IXUSR
    assert str(tmp_path / "env") in path.read_text()


def test_a_variable_that_is_set_to_nothing_counts_as_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSING_DATA", "")

    assert StackSettings().data is None
