"""``infra/deploy up|down``: the program of ``make deploy`` and ``make destroy``."""

import os
from pathlib import Path
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from housing.subject import SubjectError
from housing_deploy import steps
from housing_deploy.errors import DeployError
from housing_deploy.removal import remove
from housing_deploy.rollout import Answers, Rollout
from housing_deploy.stacks import make_clients
from housing_deploy.stage import Stage, read_stage
from housing_ops.checkout import CHECKOUT
from housing_ops.progress import Progress
from housing_ops.template import load

_INTERRUPTED = 130

app = typer.Typer(
    help=__doc__, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False
)
StageName = Annotated[str, typer.Option("--stage", envvar="STAGE", help="dev, staging or prod")]
Config = Annotated[Path, typer.Option(envvar="SAMCONFIG", help="SAM's configuration")]
Confirm = Annotated[
    str, typer.Option(envvar="CONFIRM", help="the answer to the question, without a terminal")
]
Minutes = Annotated[float, typer.Option(envvar="DEPLOY_MINUTES", help="limit for CloudFormation")]
_CONFIG = CHECKOUT / "samconfig.toml"


@app.command()
def up(  # noqa: PLR0913 - each is an option
    stage: StageName = "",
    config: Config = _CONFIG,
    confirm: Confirm = "",
    minutes: Minutes = 90,
    *,
    parameters: Annotated[
        str, typer.Option(envvar="PARAMETERS", help="Key=value …, overrides samconfig.toml")
    ] = "",
    image: Annotated[str, typer.Option(envvar="TRAINING_IMAGE_URI", help="the job's image")] = "",
    tests: Annotated[str, typer.Option(envvar="TESTS", help="skip: no lint, no tests")] = "",
    subject: Annotated[
        str,
        typer.Option(envvar="HOUSING_SUBJECT", help="table, a folder of layers/shared/subjects"),
    ] = "",
    template: Annotated[
        Path | None, typer.Option(envvar="TEMPLATE", help="a built template, instead of a build")
    ] = None,
    replace: Annotated[str, typer.Option(envvar="REPLACE", help="yes: state may be lost")] = "",
    smoke_seconds: Annotated[
        float, typer.Option(envvar="SMOKE_SECONDS", help="limit until the API answers")
    ] = 120,
) -> None:
    """Check, build, package, show the changes, deploy, test; roll back if the test fails."""
    more = f"{parameters} TrainingImageUri={image}" if image else parameters
    more = f"Subject={subject} {more}" if subject else more
    wanted, progress = _stage(config, stage, more), Progress()
    clients = make_clients(wanted.region, os.environ.get("AWS_ENDPOINT_URL"))
    rollout = Rollout(wanted, clients, progress, minutes * 60, smoke_seconds)
    rollout.stack()  # fails early in a state that allows no update
    if tests != "skip":
        steps.check(progress)
    built = template or steps.build(progress, _architecture(wanted))
    text, bucket = steps.package(
        progress,
        built.resolve(),
        prefix=wanted.package_prefix,
        region=wanted.region,
        environment=os.environ,
    )
    rollout.deploy(text, bucket, Answers(confirm=confirm, replace=replace))


@app.command()
def down(
    stage: StageName = "",
    config: Config = _CONFIG,
    confirm: Confirm = "",
    minutes: Minutes = 90,
    *,
    prod: Annotated[str, typer.Option(envvar="DESTROY_PROD", help="yes: prod may be deleted")] = "",
) -> None:
    """Delete a stage's stack, by its name; the bucket remains."""
    wanted = _stage(config, stage, "")
    clients = make_clients(wanted.region, os.environ.get("AWS_ENDPOINT_URL"))
    remove(wanted, clients, Progress(), seconds=minutes * 60, name=confirm, prod=prod)


def _stage(config: Path, name: str, more: str) -> Stage:
    if not name:
        msg = "no stage given: set STAGE to dev, staging or prod"
        raise DeployError(msg)
    return read_stage(config, name, more)


def _architecture(stage: Stage) -> str:
    source = load(CHECKOUT / "infra/template.yaml")
    default = source["Parameters"]["Architecture"]["Default"]
    return str(stage.parameters.get("Architecture", default))


def main() -> None:
    """Run a command; an expected error is printed, with exit status 1."""
    try:
        app(standalone_mode=False)
    except (DeployError, SubjectError, ClientError, BotoCoreError) as exc:
        typer.secho(f"\nerror: {exc}", fg="red", err=True)
        raise SystemExit(1) from exc
    except (KeyboardInterrupt, typer.Abort):
        text = "\ninterrupted; CloudFormation continues a deployment that has begun"
        typer.secho(text, fg="red", err=True)
        raise SystemExit(_INTERRUPTED) from None


if __name__ == "__main__":
    main()
