"""Telling whoever waits how far a long command has come."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

# What is being done, and which share of it is done: 0 to 1, or None if that cannot be told.
Tell = Callable[[str, float | None], None]


def silently(step: str, share: float | None) -> None:
    """Tell nobody."""


@contextmanager
def on_terminal() -> Iterator[Tell]:
    """Show a bar on a terminal; elsewhere show nothing."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda step, share: bar.update(task, description=step, completed=share or 0.0)
