"""One evening's floor in the terminal: tables as rows, time as columns, bookings as blocks."""

import zlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Group, RenderableType
from rich.text import Text

from demo.model import Document, Showing
from demo.results import Stay

_STEP = timedelta(minutes=15)
_HOUR = timedelta(hours=1)
_WIDEST_STEP = 3
_COLOURS = ("green", "cyan", "yellow", "magenta", "blue", "bright_green", "bright_cyan", "bright_magenta")
_FREE = "·"


def timeline(
    tables: Sequence[Document], stays: Sequence[Stay], showing: Showing, width: int
) -> RenderableType:
    """The floor of one service day, as wide as ``width`` characters allow."""
    label = max(len(_label(table)) for table in tables) + 1
    begins = showing.begins.replace(minute=0)
    steps = max(1, -((begins - showing.ends) // _STEP))
    columns = max(1, min(_WIDEST_STEP, (width - label - 1) // steps))
    of_table: defaultdict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        for table in stay.tables:
            of_table[table].append(stay)
    lines: list[RenderableType] = [_clock(begins, showing.ends, label, columns)]
    zone = ""
    for row in tables:
        if row["zone"] != zone:
            zone = str(row["zone"])
            lines.append(Text(zone, style="bold"))
        lines.append(_row(row, of_table[str(row["id"])], begins, steps, label, columns))
    lines.append(_legend())
    lines += _waiting(stays)
    return Group(*lines)


def _label(table: Document) -> str:
    return f" {table['id']} ({table['capacity']})"


def _clock(begins: datetime, ends: datetime, label: int, columns: int) -> Text:
    """The full hours, each above the column in which it begins."""
    line = Text(" " * label, style="dim")
    hour = begins
    while hour < ends:
        line.append(f"{hour:%H}".ljust(columns * int(_HOUR / _STEP)))
        hour += _HOUR
    return line


def _row(
    table: Document, stays: Sequence[Stay], begins: datetime, steps: int, label: int, columns: int
) -> Text:
    line = Text(_label(table).ljust(label))
    at = 0
    for stay in sorted(stays, key=lambda stay: stay.starts):
        first = max(at, _column(stay.starts, begins, columns))
        last = min(steps * columns, _column(stay.ends, begins, columns))
        if last > first:
            line.append(_FREE * (first - at), style="dim")
            line.append(block(stay, last - first), style=f"bold black on {_colour(stay)}")
            at = last
    line.append(_FREE * (steps * columns - at), style="dim")
    return line


def _column(moment: datetime, begins: datetime, columns: int) -> int:
    return round((moment - begins) / _STEP * columns)


def block(stay: Stay, width: int) -> str:
    """A stay as text of this width: the size of its party, and + where tables are joined."""
    inside = f"{stay.party}{'+' if len(stay.tables) > 1 else ''}"
    text = f"[{inside}".ljust(width - 1, "=")[: width - 1]
    return f"{text}]"


def _colour(stay: Stay) -> str:
    return _COLOURS[zlib.crc32(stay.reference.encode()) % len(_COLOURS)]


def _legend() -> Text:
    return Text(
        " [4====] a party of 4 from start to end · [7+===] one party at several tables · (seats)", style="dim"
    )


def _waiting(stays: Sequence[Stay]) -> list[RenderableType]:
    """Parties without a table, grouped by their start."""
    waiting: defaultdict[datetime, list[str]] = defaultdict(list)
    for stay in stays:
        if stay.state == "manual_review":
            waiting[stay.starts].append(str(stay.party))
    if not waiting:
        return []
    words = ", ".join(f"{start:%H:%M} for {'+'.join(parties)}" for start, parties in sorted(waiting.items()))
    return [Text(f" without a table, for a person ({sum(map(len, waiting.values()))}): {words}")]
