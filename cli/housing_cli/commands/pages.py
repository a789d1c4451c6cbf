"""``housing open`` and ``housing env``: the stack's pages, and its variables for a shell."""

import shlex
import webbrowser
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from housing_cli.errors import DataFileError
from housing_cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from housing_cli.services import Services
    from housing_cli.settings import Settings


class Page(StrEnum):
    """A page of the stack."""

    MODEL = "model"
    PAGE = "page"
    MLFLOW = "mlflow"
    HEALTH = "health"
    DOCS = "docs"


def open_page(
    context: typer.Context,
    page: Annotated[Page, typer.Argument(help="The live model in MLflow, or another page.")] = (
        Page.MODEL
    ),
    *,
    as_json: JsonOption = False,
) -> None:
    """Open a page of the stack in the browser, and print its address."""
    services: Services = context.obj
    url = _address(services, page)
    is_open = webbrowser.open(url)
    if as_json:
        print_json({"url": url, "opened": is_open})
    else:
        console().print(url, soft_wrap=True)


def env(*, as_json: JsonOption = False) -> None:
    """Print the stack's variables for a shell."""
    from housing_cli.settings import DOTENV

    path = Path(DOTENV)
    try:
        lines = path.read_text("utf-8").splitlines()
    except FileNotFoundError as exc:
        msg = f"{DOTENV} is not here: run this in the checkout after `make run`"
        raise DataFileError(msg) from exc
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")


def _address(services: "Services", page: Page) -> str:
    settings: Settings = services.settings
    if page is Page.PAGE:
        return f"{settings.api_url}/"
    if page is Page.DOCS:
        return f"{settings.api_url}/docs"
    if page is Page.HEALTH:
        return f"{settings.api_url}/health"
    tracking = settings.tracking_uri.rstrip("/")
    if page is Page.MLFLOW:
        return tracking
    return model_page(tracking, settings.housing_model_name, None)


def model_page(tracking_uri: str, name: str, version: str | None) -> str:
    """Return the address of a model in MLflow's pages, or of a version of it."""
    address = f"{tracking_uri.rstrip('/')}/#/models/{quote(name, safe='')}"
    return f"{address}/versions/{version}" if version else address
