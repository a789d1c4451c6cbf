"""``python -m housing_cli``: an interrupt ends it without a traceback, during its imports too."""

import signal


def main() -> None:
    """Run ``housing``; exit status 130 after an interrupt, as shells expect."""
    try:
        from housing_cli.main import run  # noqa: PLC0415 - imports a library, which takes a moment

        run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(128 + signal.SIGINT) from None


if __name__ == "__main__":
    main()
