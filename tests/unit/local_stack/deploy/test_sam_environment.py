import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from local_stack.deploy.sam_environment import functions, overrides

TEMPLATE = load(CHECKOUT / "infra" / "template.yaml")


FUNCTIONS = ("PredictFunction", "AdminFunction", "RetrainFunction", "NotifyFunction")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_exactly_the_variables_that_the_template_names(function: str) -> None:
    deployed = {function: {"MLFLOW_TRACKING_URI": "http://mlflow", "HOUSING_UNKNOWN": "1"}}

    variables = overrides(TEMPLATE, deployed)

    own = TEMPLATE["Resources"][function]["Properties"]["Environment"]["Variables"]
    of_all = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
    assert set(variables) == {function}
    assert set(variables[function]) == {*own, *of_all}
    assert variables[function]["MLFLOW_TRACKING_URI"] == "http://mlflow"


def test_a_variable_that_is_not_deployed_is_empty() -> None:
    variables = overrides(TEMPLATE, {"RetrainFunction": {"HOUSING_JOB_LAUNCHER": "batch"}})

    assert variables["RetrainFunction"]["HOUSING_LOCAL_PYTHON"] == ""


def test_sample_events_need_no_key() -> None:
    deployed = {"HOUSING_AUTH": "keys", "HOUSING_API_KEYS": "arn:secret"}

    variables = overrides(TEMPLATE, {"PredictFunction": deployed})["PredictFunction"]

    assert (variables["HOUSING_AUTH"], variables["HOUSING_API_KEYS"]) == ("off", "")


def test_a_retrain_function_in_a_container_starts_no_process_of_the_laptop() -> None:
    deployed = {"HOUSING_JOB_LAUNCHER": "local", "HOUSING_LOCAL_PYTHON": "/usr/bin/python3"}

    variables = overrides(TEMPLATE, {"RetrainFunction": deployed})["RetrainFunction"]

    assert variables["HOUSING_JOB_LAUNCHER"] == "batch"
    assert variables["HOUSING_BATCH_JOB_QUEUE"]
    assert variables["HOUSING_BATCH_JOB_DEFINITION"]


def test_every_function_of_the_template_is_known() -> None:
    assert set(FUNCTIONS) == set(functions(TEMPLATE))
