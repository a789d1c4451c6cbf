"""Show the steps of a program: a line for each, with a spinner while it runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

from rich.console import Console
from rich.text import Text

SILENCE_SECONDS = 5.0


@dataclass(slots=True)
class Step:
    """A running step; its note is shown beside its title at the end."""

    say: Callable[[str], None]
    """Shows the state of the step."""
    note: str = ""
    began: float = field(default_factory=time.monotonic)


class Progress:
    """Steps on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to a console; by default to standard output."""
        self.console = console or Console(highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while it runs, and a line with its time if it succeeds."""
        last = ""
        with self.console.status(title) as status, self._signs_of_life(title):

            def say(text: str) -> None:
                nonlocal last
                if self.console.is_terminal:
                    status.update(f"{title}: {text}")
                elif text != last:
                    self.console.print(Text(f"  … {title}: {text}"))
                last = text

            step = Step(say)
            yield step
        seconds = time.monotonic() - step.began
        line = Text("  ✓ ", style="green") + Text(title, style="default")
        line += Text(f"  {step.note}" if step.note else "", style="dim")
        self.console.print(line + Text(f"  {seconds:.1f} s", style="dim"))

    @contextmanager
    def _signs_of_life(self, title: str) -> Iterator[None]:
        """Print a line every few seconds where there is no terminal, which has a spinner."""
        ended = Event()

        def show() -> None:
            seconds = 0.0
            while not ended.wait(SILENCE_SECONDS):
                seconds += SILENCE_SECONDS
                self.console.print(Text(f"  … {title} ({seconds:.0f} s)"))

        if self.console.is_terminal:
            yield
            return
        thread = Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def say(self, text: str = "") -> None:
        """Print a line as it is."""
        self.console.print(Text(text))
