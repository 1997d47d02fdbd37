"""A progress bar where there is a terminal, plain lines where there is none."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINE_EVERY_SECONDS = 5.0


class Advance(Protocol):
    """Reports progress."""

    def __call__(self, done: int, total: int, words: str) -> None:
        """``done`` of ``total``; ``words`` is shown beside it."""


@contextmanager
def progress(console: Console, title: str) -> Iterator[Advance]:
    """Show a piece of work while the context is open."""
    if console.is_terminal:
        with _bar(console) as bar:
            task = bar.add_task(title, total=None, words="")

            def advance(done: int, total: int, words: str) -> None:
                bar.update(task, completed=done, total=total, words=words)

            yield advance
    else:
        yield _Lines(console, title)


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}", style="dim"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


class _Lines:
    """One line at the beginning, every few seconds, and at the end."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._next = 0.0

    def __call__(self, done: int, total: int, words: str) -> None:
        if done < total and time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LINE_EVERY_SECONDS
        self._console.print(f"{self._title} {done}/{total} {words}".rstrip(), highlight=False, soft_wrap=True)
