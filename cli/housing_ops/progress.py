"""Show the steps of a program: a line for each, with a spinner while it runs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text


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
        with self.console.status(title) as status:

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

    def say(self, text: str = "") -> None:
        """Print a line as it is."""
        self.console.print(Text(text))
