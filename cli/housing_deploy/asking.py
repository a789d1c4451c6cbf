"""Asking a person; where there is none, the answer has to be given beforehand."""

import sys

import typer

from housing_deploy.errors import NotConfirmedError


def confirm(question: str, given: str) -> None:
    """Go on only after a yes.

    Args:
        question: To ask.
        given: ``yes`` where it was answered beforehand.

    Raises:
        NotConfirmedError: The answer is no, or there is nobody to ask.
    """
    if given == "yes":
        return
    if not sys.stdin.isatty():
        msg = "there is nobody to ask: say CONFIRM=yes. Nothing was changed"
        raise NotConfirmedError(msg)
    if not typer.confirm(question):
        msg = "not confirmed; nothing was changed"
        raise NotConfirmedError(msg)


def confirm_name(question: str, name: str, given: str) -> None:
    """Go on only after a name was typed.

    Raises:
        NotConfirmedError: It is another one, or there is nobody to ask.
    """
    if not given and not sys.stdin.isatty():
        msg = f"there is nobody to ask: say CONFIRM={name}. Nothing was changed"
        raise NotConfirmedError(msg)
    if (given or typer.prompt(question)) != name:
        msg = f"that is not {name}; nothing was changed"
        raise NotConfirmedError(msg)
