"""``python -m local_stack up|monitor|down|status|logs|clean``: the program of ``make run``."""

import signal
from types import FrameType

_INTERRUPTED = 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Run a command; an expected failure is one line, an interrupt exit status 130."""
    for kind in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, _interrupt)
    try:
        exit_status = _run()
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    raise SystemExit(exit_status)


def _run() -> int:
    import typer  # noqa: PLC0415 - an interrupt during these is no traceback
    from pydantic import ValidationError  # noqa: PLC0415

    from housing.errors import RegistryError  # noqa: PLC0415
    from local_stack.commands import app  # noqa: PLC0415
    from local_stack.errors import StackError  # noqa: PLC0415

    try:
        status: int | None = app(standalone_mode=False)  # Typer returns the status of Exit
    except (StackError, RegistryError, ValidationError) as exc:
        typer.secho(f"\nerror: {exc}", fg="red", err=True)
        return 1
    except typer.Abort:
        return _INTERRUPTED
    return status or 0


if __name__ == "__main__":
    main()
