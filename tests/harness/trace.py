"""How far one call travels through the product: the files it enters, how deep, and the types it makes."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
OURS = (str(ROOT / "layers" / "shared" / "maitred"), str(ROOT / "functions"))


@dataclass(slots=True)
class Way:
    """``deepest``: our own frames alone, the innermost first, as ``module.function``."""

    files: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    deepest: list[str] = field(default_factory=list)

    @property
    def services(self) -> set[str]:
        return {name for name in self.files if "/services/" in name}

    def __call__(self, frame: FrameType, event: str, _argument: Any) -> None:
        """The interpreter's profile function."""
        if event != "call":
            return
        if frame.f_code.co_name == "__init__":
            made = type(frame.f_locals.get("self"))
            if made.__module__.startswith("maitred"):
                self.types.add(made.__qualname__)
        if frame.f_code.co_filename.startswith(OURS):
            self.files.add(str(Path(frame.f_code.co_filename).relative_to(ROOT)))
            path = list(_ours(frame))
            if len(path) > len(self.deepest):
                self.deepest = path


def _ours(frame: FrameType | None) -> Iterator[str]:
    while frame is not None:
        if frame.f_code.co_filename.startswith(OURS):
            yield f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}"
        frame = frame.f_back


@contextmanager
def traced() -> Iterator[Way]:
    """The way of all calls in between, of this thread."""
    way, before = Way(), sys.getprofile()
    sys.setprofile(way)
    try:
        yield way
    finally:
        sys.setprofile(before)
