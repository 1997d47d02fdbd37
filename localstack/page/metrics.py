"""The metrics of the running functions, read from the lines in CloudWatch's format (EMF) of their logs."""

import json
import math
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEPT_SECONDS = 3 * 3600
BACKLOG_BYTES = 32 * 1024 * 1024  # of each log, when the page is opened for the first time
MOST_POINTS = 100_000  # of one metric


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What makes a metric: its name and its dimensions, as sorted pairs."""

    name: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Point:
    """One value. ``at`` in seconds since the epoch."""

    at: float
    value: float


class Metrics:
    """What the logs of a folder said in the last `KEPT_SECONDS`. Thread-safe."""

    def __init__(self, logs: Path, now: Callable[[], float] = time.time) -> None:
        self._logs = logs
        self._now = now
        self._lock = threading.Lock()
        self._offsets: dict[Path, int] = {}
        self._points: defaultdict[Key, deque[Point]] = defaultdict(lambda: deque(maxlen=MOST_POINTS))

    def figures(self, seconds: int) -> list[dict[str, Any]]:
        """Return every metric that has values in the last ``seconds``, by name, with its statistics.

        ``truncated``: there were more than `MOST_POINTS` values, and only the newest of them count.
        """
        self.refresh()
        since = self._now() - seconds
        with self._lock:
            return [
                _figure(key, values, truncated=len(points) == MOST_POINTS)
                for key, points in sorted(self._points.items())
                if (values := [point.value for point in points if point.at >= since])
            ]

    def refresh(self) -> None:
        """Read what was logged since the last time."""
        with self._lock:
            for path in sorted(self._logs.glob("*.log")):
                for line in self._new_lines(path):
                    self._take(line)
            self._forget()

    def points(self, key: Key) -> list[Point]:
        """Return a metric's values in the order in which they were read."""
        with self._lock:
            return list(self._points.get(key, ()))

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
            return  # CloudWatch ignores such a line too

    def _forget(self) -> None:
        oldest = self._now() - KEPT_SECONDS
        for key in list(self._points):
            points = self._points[key]
            while points and points[0].at < oldest:
                points.popleft()
            if not points:
                del self._points[key]


def _points_of(document: Mapping[str, Any]) -> Iterator[tuple[Key, Point]]:
    header = document["_aws"]
    at = header["Timestamp"] / 1000
    for directive in header["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = tuple(sorted((name, str(document[name])) for name in names))
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield Key(metric["Name"], dimensions), Point(at, float(value))


def _figure(key: Key, values: Sequence[float], *, truncated: bool) -> dict[str, Any]:
    """Percentiles are by nearest rank."""
    ordered = sorted(values)
    return {
        "name": key.name,
        "dimensions": dict(key.dimensions),
        "count": len(ordered),
        "sum": math.fsum(ordered),
        "p50": ordered[math.ceil(len(ordered) * 0.50) - 1],
        "p95": ordered[math.ceil(len(ordered) * 0.95) - 1],
        "max": ordered[-1],
        "truncated": truncated,
    }
