"""Settings of the function and of the job."""

import subprocess
import sys

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from retrain.settings import RetrainSettings
from retrain.training.settings import TrainingSettings


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_BUCKET", "housing-test")


def test_the_batch_launcher_needs_a_queue_and_a_definition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSING_BATCH_JOB_QUEUE", "queue")

    with pytest.raises(ValidationError, match="batch needs HOUSING_BATCH_JOB_DEFINITION"):
        RetrainSettings()


def test_the_local_launcher_needs_an_interpreter_and_a_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSING_JOB_LAUNCHER", "local")

    with pytest.raises(
        ValidationError, match="needs HOUSING_LOCAL_PYTHON and HOUSING_LOCAL_JOBS_DIR"
    ):
        RetrainSettings()


def test_a_variable_that_is_set_and_empty_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_BATCH_JOB_QUEUE", "")
    monkeypatch.setenv("HOUSING_BATCH_JOB_DEFINITION", "definition")

    with pytest.raises(ValidationError, match="HOUSING_BATCH_JOB_QUEUE"):
        RetrainSettings()


def test_the_job_needs_to_know_its_mlflow_server() -> None:
    with pytest.raises(ValidationError, match="MLFLOW_TRACKING_URI"):
        TrainingSettings()


def test_every_setting_that_shapes_the_model_is_in_its_id() -> None:
    plain = TrainingSettings(tracking_uri="http://registry.test")
    changes: dict[str, float] = {
        "holdout_share": 0.3,
        "seed": 1,
        "models": 3,
        "iterations": 7,
        "learning_rate": 0.2,
        "max_leaves": 9,
        "min_leaf_rows": 3,
        "l2": 1.0,
        "feature_share": 0.9,
        "neighbour_rows": 100,
        "neighbour_folds": 3,
        "known_share": 0.5,
    }

    ids = {
        plain.model_copy(update={name: value}).recipe().settings_id
        for name, value in changes.items()
    }

    assert len(ids | {plain.recipe().settings_id}) == len(changes) + 1


def test_settings_that_do_not_shape_the_model_are_not_in_its_id() -> None:
    plain = TrainingSettings(tracking_uri="http://registry.test")
    other = plain.model_copy(update={"promotion_margin": 0.5, "model_name": "other"})

    assert other.recipe().settings_id == plain.recipe().settings_id


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({}, {}),
        ({"tracking_token": "t"}, {"Authorization": "Bearer t"}),
        (
            {"tracking_username": "u", "tracking_password": "p", "tracking_token": "t"},
            {"Authorization": "Basic dTpw"},
        ),
    ],
)
def test_the_registry_is_asked_with_mlflows_own_credentials(
    given: dict[str, str], header: dict[str, str]
) -> None:
    settings = TrainingSettings.model_validate({"tracking_uri": "http://r.test", **given})

    assert settings.registry_access().headers == header


def test_one_variable_holds_many_settings_of_the_job_and_their_own_go_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOUSING_TRAINING_SETTINGS", '{"iterations": 7, "models": 3}')
    monkeypatch.setenv("HOUSING_MODELS", "4")

    settings = TrainingSettings(bucket="b", tracking_uri="http://r.test")

    assert (settings.iterations, settings.models) == (7, 4)


def test_the_intervals_coverage_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSING_TRAINING_SETTINGS", '{"interval_coverage": 0.8}')

    with pytest.raises(ValidationError, match="unknown setting interval_coverage"):
        TrainingSettings(bucket="b", tracking_uri="http://r.test")


@pytest.mark.parametrize("given", ['{"iteration": 7}', '{"iterations": 0}', "[]", "{"])
def test_settings_that_the_job_does_not_know_are_refused(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOUSING_TRAINING_SETTINGS", given)

    with pytest.raises((ValidationError, SettingsError)):
        TrainingSettings(bucket="b", tracking_uri="http://r.test")


def test_settings_of_the_job_load_no_library_of_its_fit() -> None:
    program = "import sys, retrain.training.settings; print(*sys.modules)"

    ran = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    loaded = {name.partition(".")[0] for name in ran.stdout.split()}
    assert "retrain" in loaded
    assert not loaded & {"numpy", "scipy", "sklearn", "onnxruntime", "pyarrow", "boto3"}
