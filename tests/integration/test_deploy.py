"""``make deploy`` and ``make destroy`` on a local endpoint: what they say, do, and put back."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.onnx_models import linear_model
from housing.api_keys import Scope
from integration.deployments import Deployments, build, write
from integration.running_stack import free_ports, processes_of
from local_stack.services import catalogue, supervisor
from local_stack.settings import StackSettings
from servers.mlflow_server import TrackingServer, tracking_server

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
MODEL = "california-housing"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackSettings]:
    """Of a local endpoint with nothing on it."""
    state_dir = tmp_path_factory.mktemp("endpoint")
    made = StackSettings(state_dir=state_dir, aws_port=free_ports(1)[0])
    endpoint = catalogue.aws_endpoint(made)
    try:
        supervisor.ensure(made, endpoint)
        supervisor.await_healthy(made, endpoint)
        yield made
    finally:
        supervisor.stop(made, endpoint.name)
        for process in processes_of(state_dir):
            process.kill()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    with tracking_server(tmp_path_factory.mktemp("mlflow")) as server:
        server.promote(linear_model(), name=MODEL)
        yield server


@pytest.fixture(scope="module")
def parameters(settings: StackSettings, registry: TrackingServer) -> dict[str, str]:
    return {
        "Stage": "local",
        "FunctionRuntime": "provided.al2023",
        "MlflowTrackingUri": registry.uri,
        "ModelTtlSeconds": "0",
        "JobLauncher": "local",
        "LocalEndpointUrl": settings.aws_url,
        "LocalPython": str(settings.stack_python),
        "LocalJobsDir": str(settings.jobs_dir),
    }


@pytest.fixture(scope="module")
def stack_names() -> Iterator[str]:
    return (f"housing-t{number}" for number in range(100))


@pytest.fixture
def stage(
    tmp_path: Path, settings: StackSettings, parameters: dict[str, str], stack_names: Iterator[str]
) -> Deployments:
    """Return a stage that nothing was deployed to."""
    return Deployments(settings, next(stack_names), tmp_path, parameters)


@pytest.fixture
def built(tmp_path: Path, settings: StackSettings, parameters: dict[str, str]) -> Path:
    return build(tmp_path / "built", settings, parameters)


def test_a_stage_is_made_left_alone_and_changed(stage: Deployments, built: Path) -> None:
    answers = {"TEMPLATE": str(built), "CONFIRM": "yes"}

    first = stage.run("up", **answers, PARAMETERS="ModelName=nobody")
    again = stage.run("up", **answers)
    change = stage.run("up", **answers, PARAMETERS=f"ModelName={MODEL}")

    assert first.returncode == 0, first.stdout + first.stderr
    assert "+ add        AWS::S3::Bucket" in first.stdout
    assert "no model yet: upload a CSV" in first.stdout
    assert again.returncode == 0, again.stdout + again.stderr
    assert "No changes" in again.stdout
    assert change.returncode == 0, change.stdout + change.stderr
    assert f"ModelName: nobody → {MODEL}" in change.stdout
    assert "~ change     AWS::Lambda::Function                PredictFunction" in change.stdout
    assert "WARNING" not in change.stdout
    assert "by version 1" in change.stdout
    assert stage.key_ring.document().keys == ()  # those of the smoke tests are revoked


def test_a_function_that_does_not_answer_is_rolled_back(stage: Deployments, built: Path) -> None:
    answers = {"TEMPLATE": str(built), "CONFIRM": "yes"}
    assert stage.run("up", **answers).returncode == 0
    before = stage.price()
    handler = built.parent / "PredictFunction/predict/handler.py"
    good = handler.read_text()
    handler.write_text("raise RuntimeError('broken')\n")

    bad = stage.run("up", **answers)
    after = stage.price()
    handler.write_text(good)
    again = stage.run("up", **answers)

    assert bad.returncode == 1, bad.stdout
    assert "smoke test failed: GET" in bad.stderr
    assert "Rolled back: the previous deployment is live again" in bad.stderr
    assert "Traceback" not in bad.stderr
    assert (after, stage.status) == (before, "UPDATE_COMPLETE")
    assert "No changes" in again.stdout


def test_a_model_that_is_lost_by_a_change_is_no_success(stage: Deployments, built: Path) -> None:
    answers = {"TEMPLATE": str(built), "CONFIRM": "yes"}
    assert stage.run("up", **answers).returncode == 0

    bad = stage.run("up", **answers, PARAMETERS="ModelName=nobody")

    assert bad.returncode == 1
    assert "no model is served" in bad.stderr
    assert "Rolled back" in bad.stderr
    assert stage.price() > 0


def test_nothing_is_deployed_unless_somebody_says_so(stage: Deployments, built: Path) -> None:
    done = stage.run("up", TEMPLATE=str(built))

    assert done.returncode == 1
    assert "CONFIRM=yes" in done.stderr
    assert stage.status is None


def test_a_stateful_resource_is_removed_only_with_replace_yes(
    stage: Deployments, built: Path
) -> None:
    answers = {"TEMPLATE": str(built), "CONFIRM": "yes"}
    without = built.read_text()
    template = json.loads(without)
    template["Resources"]["Held"] = {"Type": "AWS::SNS::Topic"}
    write(built.parent, template)
    assert stage.run("up", **answers).returncode == 0
    built.write_text(without)

    refused = stage.run("up", **answers)
    cloudformation = stage.client("cloudformation")
    left = cloudformation.list_change_sets(StackName=stage.stack_name)["Summaries"]
    allowed = stage.run("up", **answers, REPLACE="yes")

    assert refused.returncode == 1
    assert "- remove     AWS::SNS::Topic                      Held" in refused.stdout
    assert "Held is removed: lost: its subscriptions" in refused.stdout
    assert "REPLACE=yes" in refused.stderr
    assert [one for one in left if one["ExecutionStatus"] == "AVAILABLE"] == []
    assert allowed.returncode == 0, allowed.stdout + allowed.stderr


def test_a_first_deployment_that_fails_says_how_to_begin_again(
    stage: Deployments, built: Path
) -> None:
    answers = {"TEMPLATE": str(built), "CONFIRM": "yes"}
    good = built.read_text()
    template = json.loads(good)
    taken = f"taken-{stage.stack_name}"
    stage.client("s3").create_bucket(Bucket=taken)
    template["Resources"]["Wrong"] = {
        "Type": "AWS::S3::Bucket",
        "Properties": {"BucketName": taken},
    }
    write(built.parent, template)

    failed = stage.run("up", **answers)
    built.write_text(good)
    refused = stage.run("up", **answers)
    removed = stage.run("down", CONFIRM=stage.stack_name)
    again = stage.run("up", **answers)

    assert failed.returncode == 1, failed.stdout
    assert "ROLLBACK_COMPLETE" in failed.stderr
    assert "Wrong: " in failed.stderr
    assert "make destroy STAGE=local" in failed.stderr
    assert refused.returncode == 1
    assert "make destroy STAGE=local" in refused.stderr
    assert removed.returncode == 0, removed.stderr
    assert again.returncode == 0, again.stdout + again.stderr


def test_a_destroyed_stack_leaves_its_bucket_and_a_new_one_takes_it_over(
    stage: Deployments, built: Path
) -> None:
    answers = {"TEMPLATE": str(built), "CONFIRM": "yes"}
    assert stage.run("up", **answers).returncode == 0
    bucket = stage.outputs["BucketName"]
    stage.client("s3").put_object(Bucket=bucket, Key="dataset/kept", Body=b"rows")
    stage.key_ring.create(Scope.PREDICT)

    unnamed = stage.run("down")
    misnamed = stage.run("down", CONFIRM="yes")
    named = stage.run("down", CONFIRM=stage.stack_name)
    gone = stage.status
    nothing = stage.run("down", CONFIRM=stage.stack_name)
    again = stage.run("up", **answers)

    assert (unnamed.returncode, misnamed.returncode) == (1, 1)
    assert named.returncode == 0, named.stdout + named.stderr
    assert f"aws s3 rb s3://{bucket}" in named.stdout
    assert "aws apigateway delete-api-key" in named.stdout
    assert gone is None
    assert nothing.returncode == 0
    assert again.returncode == 0, again.stdout + again.stderr
    assert "> take over  AWS::S3::Bucket" in again.stdout
    assert (
        stage.client("s3").get_object(Bucket=bucket, Key="dataset/kept")["Body"].read() == b"rows"
    )
