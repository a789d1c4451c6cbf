"""What a person sees of the work: a line for each step, with a spinner while it lasts."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.text import Text


@dataclass(slots=True)
class Step:
    """A step in hand; what is noted stands beside its name once it has ended."""

    console: Console
    update: Callable[[str], None]
    note: str = ""
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Show how far the step is."""
        self.update(text)


class Progress:
    """Steps on a terminal, plain lines elsewhere."""

    def __init__(self, console: Console | None = None) -> None:
        """Write to a console; to standard output if none is given."""
        self.console = console or Console(highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show a step while it runs, and a line with its time when it has ended well."""
        last = ""
        with self.console.status(title) as status:

            def update(text: str) -> None:
                nonlocal last
                if self.console.is_terminal:
                    status.update(f"{title}: {text}")
                elif text != last:
                    self.console.print(Text(f"  … {title}: {text}"))
                last = text

            step = Step(self.console, update)
            yield step
        seconds = time.monotonic() - step.began
        line = Text("  ✓ ", style="green") + Text(title, style="default")
        line += Text(f"  {step.note}" if step.note else "", style="dim")
        self.console.print(line + Text(f"  {seconds:.1f} s", style="dim"))

    def say(self, text: str = "") -> None:
        """Print a line as it is."""
        self.console.print(Text(text))
