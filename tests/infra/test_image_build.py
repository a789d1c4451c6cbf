"""The training image, its Dockerfile replayed from a clean Debian: it trains, as its own user."""

import json
from pathlib import Path

import pytest

from fakes.tables import as_csv, housing_table
from housing_ops.checkout import CHECKOUT
from infra.debian import needs
from infra.dockerfile import Context, UnknownInstructionError, instructions
from infra.image_build import ASKED_FOR, ImageBuild, Stage
from retrain.training.attempts import ExitStatus

DOCKERFILE = CHECKOUT / "functions/retrain/Dockerfile"
IGNORED = DOCKERFILE.with_name("Dockerfile.dockerignore")
SMALL = {"HOUSING_ITERATIONS": "10", "HOUSING_MODELS": "1", "HOUSING_TRAINING_PROCESSES": "1"}
TRAIN = """
import contextlib, json, sys
from retrain.training.job.offline import offline_settings, train_file
made, _ = train_file(
    open(sys.argv[1], "rb").read(), "file:rows.csv", offline_settings(),
    stage=lambda *_: contextlib.nullcontext(), note=lambda _: None,
)
print(json.dumps([offline_settings().engine, len(made.trained.model), made.metrics]))
"""
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    needs(ASKED_FOR, "test-image", "unshare", "chroot")
    build = ImageBuild(tmp_path_factory.mktemp("image"), Context(CHECKOUT, IGNORED.read_text()))
    return build.replay(instructions(DOCKERFILE.read_text()))


def test_the_entry_point_prints_its_options(image: Stage) -> None:
    done = image.start("--help")

    assert done.returncode == 0, done.stderr
    assert "--version-id" in done.stdout


@pytest.mark.parametrize("engine", ["scikit-learn", "lightgbm"])
def test_it_trains_a_model_with_each_engine(image: Stage, engine: str) -> None:
    (image.root / "tmp/rows.csv").write_bytes(as_csv(housing_table(600)))

    done = image.run(
        *("python", "-c", TRAIN, "/tmp/rows.csv"),  # noqa: S108 - the image's
        variables={"HOUSING_ENGINE": engine, **SMALL},
    )

    assert done.returncode == 0, done.stderr[-3_000:]
    used, size, metrics = json.loads(done.stdout.splitlines()[-1])
    assert used == engine
    assert size > 1_000
    assert all(value == value for value in metrics.values())  # noqa: PLR0124 - none is NaN


def test_a_job_without_bucket_or_registry_ends_as_failed(image: Stage) -> None:
    done = image.start(
        *("--bucket", "none", "--key", "new_data/a.csv", "--job-id", "1"),
        variables={
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_DEFAULT_REGION": "us-east-1",
        },
    )

    assert done.returncode == ExitStatus.NOT_REGISTERED
    assert "127.0.0.1:9" in done.stdout + done.stderr


def test_its_user_writes_at_home_and_changes_neither_code_nor_packages(image: Stage) -> None:
    folders = "/ /app /app/retrain /opt/job /home/job /tmp"
    writable = f"for folder in {folders}; do [ ! -w $folder ] || echo $folder; done"

    done = image.run("sh", "-c", f"id -un; pwd; {writable}")

    user, place, *written = done.stdout.split()
    assert (user, place) == ("job", "/home/job")
    assert written == ["/home/job", "/tmp"]  # noqa: S108 - the image's


def test_it_holds_the_context_and_nothing_else_of_the_checkout(image: Stage) -> None:
    app = image.root / "app"

    assert {path.name for path in app.iterdir()} == {"housing", "subjects", "retrain"}
    assert (app / "retrain/training/__main__.py").is_file()
    assert not [*app.rglob("Dockerfile*"), *app.rglob("__pycache__")]


@pytest.mark.parametrize(
    "line",
    [
        "ARG VERSION=1",
        "ADD a b",
        "CMD ['x']",
        "COPY --chown=job a b",
        "RUN --mount=type=cache,target=/c true",
        "FROM --platform=linux/arm64 python",
        "RUN <<END",
    ],
)
def test_an_instruction_that_is_not_replayed_is_refused(line: str) -> None:
    with pytest.raises(UnknownInstructionError, match=line[:4]):
        instructions(f"FROM python:3.13.9-slim-bookworm\n{line}\n")


def test_lines_are_joined_and_comments_between_them_left_out() -> None:
    first, second = instructions("# one\nfrom a AS b\nRUN x \\\n # two\n && y\n")

    assert (first.name, first.words) == ("FROM", ["a", "AS", "b"])
    assert second.words == ["x", "&&", "y"]


@pytest.mark.parametrize(
    ("path", "is_in"),
    [
        ("a/b/c.py", True),
        ("a/b/sub/d.py", True),
        ("a/b/Dockerfile.x", False),
        ("a/b/sub/__pycache__/d.pyc", False),
        ("a/other.py", False),
        ("top.py", False),
    ],
)
def test_the_last_rule_that_fits_decides_what_is_in_the_context(path: str, *, is_in: bool) -> None:
    context = Context(Path(), "# all\n*\n!a/b\n**/__pycache__\na/b/Dockerfile*\n")

    assert context.has(path) is is_in


def test_a_source_that_is_not_in_the_context_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")

    with pytest.raises(FileNotFoundError):
        Context(tmp_path, "*").files("a")
    assert Context(tmp_path, "*\n!a").files("a") == {"": tmp_path / "a"}
