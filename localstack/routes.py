"""Which route of the HTTP API a request takes, as API Gateway chooses it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from localstack.template import Route

DEFAULT_STAGE = "$default"


@dataclass(frozen=True, slots=True)
class Match:
    """The chosen route, the decoded values of its path's variables, and the stage that was called."""

    route: Route
    parameters: Mapping[str, str]
    stage: str = DEFAULT_STAGE


@dataclass(frozen=True, slots=True)
class _Pattern:
    route: Route
    segments: tuple[str, ...]

    @property
    def greedy(self) -> bool:
        return bool(self.segments) and self.segments[-1].endswith("+}")

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """Return the variables' values, or None when the path is another."""
        if self.greedy:
            fixed = len(self.segments) - 1
            if len(segments) <= fixed:
                return None
            segments = (*segments[:fixed], "/".join(segments[fixed:]))
        elif len(segments) != len(self.segments):
            return None
        found = {}
        for pattern, segment in zip(self.segments, segments, strict=True):
            if pattern.startswith("{") and segment:
                found[pattern.strip("{}+")] = unquote(segment)
            elif pattern != segment:
                return None
        return found

    @property
    def rank(self) -> tuple[bool, tuple[int, ...], bool]:
        """Return the place in the order of trying: exact before greedy, static before variable, ANY last."""
        kinds = tuple(2 if s.endswith("+}") else 1 if s.startswith("{") else 0 for s in self.segments)
        return self.greedy, kinds, self.route.method == "ANY"


class Router:
    """The routes of one API. A path that begins with the name of one of its stages is that stage's."""

    def __init__(self, routes: Iterable[Route], stages: Collection[str] = ()) -> None:
        self._stages = stages
        known = tuple(routes)
        patterns = [_Pattern(route, _segments(route.path)) for route in known if route.path != "$default"]
        self._patterns = sorted(patterns, key=lambda pattern: pattern.rank)
        self._default = next((route for route in known if route.path == "$default"), None)

    def match(self, method: str, path: str) -> Match | None:
        """Return the route for a request, None when there is none. ``path`` is still percent-encoded."""
        segments, stage = _segments(path), DEFAULT_STAGE
        if segments[0] in self._stages:
            stage, *rest = segments
            segments = tuple(rest) or ("",)
        for pattern in self._patterns:
            if pattern.route.method in {method, "ANY"} and (found := pattern.match(segments)) is not None:
                return Match(pattern.route, found, stage)
        return Match(self._default, {}, stage) if self._default else None


def _segments(path: str) -> tuple[str, ...]:
    return tuple(path.removeprefix("/").split("/"))
