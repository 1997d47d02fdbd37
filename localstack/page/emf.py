"""The metrics of the running functions, read from their logs as CloudWatch reads them (EMF)."""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localstack.page.widgets import Dimensions

KEPT_SECONDS = 3 * 3600
BACKLOG_BYTES = 32 * 1024 * 1024  # of each log, when the page is opened for the first time
MOST_POINTS = 100_000  # of one metric


@dataclass(frozen=True, slots=True)
class Key:
    """What CloudWatch tells metrics apart by."""

    namespace: str
    name: str
    dimensions: Dimensions


@dataclass(frozen=True, slots=True)
class Point:
    """One value. ``at`` in seconds since the epoch."""

    at: float
    value: float


class Metrics:
    """What the logs of a folder said in the last hours. Safe for several threads."""

    def __init__(self, logs: Path, now: Callable[[], float] = time.time) -> None:
        self._logs = logs
        self._now = now
        self._lock = threading.Lock()
        self._offsets: dict[Path, int] = {}
        self._points: defaultdict[Key, deque[Point]] = defaultdict(lambda: deque(maxlen=MOST_POINTS))

    def refresh(self) -> None:
        """Read what was logged since the last time."""
        with self._lock:
            for path in sorted(self._logs.glob("*.log")):
                for line in self._new_lines(path):
                    self._take(line)
            self._forget()

    def keys(self) -> list[Key]:
        """Return every metric that is known."""
        with self._lock:
            return list(self._points)

    def points(self, key: Key, since: float) -> list[Point]:
        """Return a metric's values from a moment on, in no special order."""
        with self._lock:
            return [point for point in self._points.get(key, ()) if point.at >= since]

    def _new_lines(self, path: Path) -> list[bytes]:
        """Whole lines only: the rest of one that is being written is read the next time."""
        size = path.stat().st_size
        offset = self._offsets.get(path, max(0, size - BACKLOG_BYTES))
        if offset > size:  # another file of that name
            offset = 0
        with path.open("rb") as log:
            log.seek(offset)
            whole, newline, _ = log.read(size - offset).rpartition(b"\n")
        self._offsets[path] = offset + len(whole) + len(newline)
        return whole.split(b"\n")

    def _take(self, line: bytes) -> None:
        if b'"CloudWatchMetrics"' not in line:
            return
        try:
            for key, point in _points_of(json.loads(line)):
                self._points[key].append(point)
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # CloudWatch passes over what is no EMF, too

    def _forget(self) -> None:
        oldest = self._now() - KEPT_SECONDS
        for key in list(self._points):
            points = self._points[key]
            while points and points[0].at < oldest:
                points.popleft()
            if not points:
                del self._points[key]


def _points_of(document: Mapping[str, Any]) -> Iterator[tuple[Key, Point]]:
    told = document["_aws"]
    at = told["Timestamp"] / 1000
    for directive in told["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, str(document[name])) for name in names)
            for metric in directive["Metrics"]:
                key = Key(directive["Namespace"], metric["Name"], dimensions)
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield key, Point(at, float(value))
