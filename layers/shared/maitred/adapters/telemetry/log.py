"""The log: whoever writes a line, it carries the ids of what is being worked on, and no guest data."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_OURS = "maitred"
_ABOUT: ContextVar[Mapping[str, str] | None] = ContextVar("about", default=None)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Lines in between carry these ids, and those that become known meanwhile; nothing is left behind."""
    before = _ABOUT.set({**known(), **ids})
    try:
        yield
    finally:
        _ABOUT.reset(before)


def know(**ids: str) -> None:
    """Within `about`: from here on lines carry these ids too."""
    if _ABOUT.get() is not None:
        _ABOUT.set({**known(), **ids})


def known() -> Mapping[str, str]:
    """What the lines of the log carry now."""
    return _ABOUT.get() or {}


def set_up(level: int, *handlers: logging.Handler) -> None:
    """Our own lines from ``level`` on, the libraries' warnings; by the runtime's handlers and these.

    The clients' debug lines hold whole requests, and so guests' addresses: they are never written, whatever
    level the runtime was told.
    """
    root = logging.getLogger()
    root.setLevel(max(root.level, logging.WARNING))
    logging.getLogger(_OURS).setLevel(level)
    for handler in (*root.handlers, *handlers):
        handler.addFilter(_stamp)  # the same one again changes nothing


def _stamp(record: logging.LogRecord) -> bool:
    """Every formatter here writes whatever a record has; what a line says of itself stays."""
    for name, value in known().items():
        if not hasattr(record, name):
            setattr(record, name, value)
    return True
