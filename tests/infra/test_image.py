"""The training job's image, as far as it can be proved without an engine that builds it."""

import re
import shlex
from pathlib import PurePosixPath
from typing import Any

import pytest

from housing_ops.checkout import CHECKOUT
from housing_ops.template import load
from infra import dockerfile
from retrain.launcher import Job
from retrain.training.__main__ import _parser

DOCKERFILE = CHECKOUT / "functions/retrain/Dockerfile"
REQUIREMENTS = CHECKOUT / "requirements"


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """Read the instructions: name and the rest."""
    return [(each.name, each.rest) for each in dockerfile.instructions(DOCKERFILE.read_text())]


def test_copied_files_exist_and_are_in_the_context(instructions: list[tuple[str, str]]) -> None:
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    context = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = [
        shlex.split(rest)[0]
        for name, rest in instructions
        if name == "COPY" and "--from" not in rest
    ]

    assert ignored[1] == "*"
    assert set(copied) == context
    assert all((CHECKOUT / path).exists() for path in copied)


def test_packages_are_those_of_the_job_and_pinned_with_hashes(
    instructions: list[tuple[str, str]],
) -> None:
    [install] = [rest for name, rest in instructions if name == "RUN" and "pip install" in rest]
    pinned = {
        name: set(re.findall(r"^([a-z0-9.-]+==[^ ]+)", text, re.MULTILINE))
        for name in ("image", "training")
        if (text := (REQUIREMENTS / f"{name}.txt").read_text())
    }

    assert {"--require-hashes", "--no-deps"} <= set(shlex.split(install))
    assert pinned["training"] <= pinned["image"]
    assert any(name.startswith("sagemaker-mlflow==") for name in pinned["image"])


def test_the_image_runs_the_job_as_an_unprivileged_user(
    instructions: list[tuple[str, str]],
) -> None:
    names = [name for name, _ in instructions]
    of_last_stage = dict(instructions[len(names) - names[::-1].index("FROM") :])

    assert of_last_stage["USER"] not in ("root", "0")
    assert of_last_stage["ENTRYPOINT"] == '["python", "-m", "retrain.training"]'
    assert "CMD" not in of_last_stage  # Batch's command is the job's arguments
    images = {rest.split()[0] for name, rest in instructions if name == "FROM"}
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-[a-z]+", image) for image in images)


def test_batch_hands_the_entrypoint_arguments_that_it_takes() -> None:
    job = Job(bucket="b", key="new_data/a.csv", version_id="v")

    given = _parser().parse_args(job.arguments())

    assert (given.bucket, given.key, given.version_id) == ("b", "new_data/a.csv", "v")


def test_the_template_leaves_the_entrypoint_alone() -> None:
    template: dict[str, Any] = load(CHECKOUT / "infra/template.yaml")
    container = template["Resources"]["JobDefinition"]["Properties"]["ContainerProperties"]

    assert not {"Command", "EntryPoint", "User"} & set(container)
    assert container["Image"] == {"Ref": "TrainingImageUri"}


def test_the_modules_lie_where_the_path_says(instructions: list[tuple[str, str]]) -> None:
    places = {
        PurePosixPath(shlex.split(rest)[-1]).parent
        for name, rest in instructions
        if name == "COPY" and "--from" not in rest and "requirements" not in rest
    }
    [environment] = [rest for name, rest in instructions if name == "ENV"]

    assert {str(place) for place in places} == {"/app"}
    assert "PYTHONPATH=/app" in environment.split()
