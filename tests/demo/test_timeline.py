"""The floor as text."""

from datetime import date, datetime
from io import StringIO

from rich.console import Console

from demo.model import Showing
from demo.results import Stay
from demo.timeline import block, timeline

DAY = date(2026, 12, 4)
SHOWING = Showing(
    "harbour", DAY, datetime.fromisoformat("2026-12-04 17:00"), datetime.fromisoformat("2026-12-04 23:00")
)
TABLES = [
    {"id": "T1", "zone": "main", "capacity": 2},
    {"id": "T2", "zone": "main", "capacity": 4},
    {"id": "B1", "zone": "bar", "capacity": 2},
]


def at(hour: int, minute: int = 0) -> datetime:
    return datetime.fromisoformat(f"2026-12-04 {hour}:{minute:02}")


def stay(party: int, starts: datetime, ends: datetime, *tables: str) -> Stay:
    state, reason = ("confirmed", None) if tables else ("manual_review", "no_capacity")
    return Stay(f"R{party}{starts:%H%M}", party, starts, ends, state, reason, tables)


def drawn(*stays: Stay, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width, color_system=None)
    console.print(timeline(TABLES, stays, SHOWING, width))
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO of above
    return [line.rstrip("\n") for line in text.splitlines()]


def row(lines: list[str], table: str) -> str:
    [found] = [line for line in lines if line.startswith(f" {table} ")]
    return found


def test_a_booking_is_a_block_from_its_start_to_its_end() -> None:
    lines = drawn(stay(2, at(18), at(19, 30), "T1"))
    text = row(lines, "T1").removeprefix(" T1 (2) ")
    steps = 24
    columns = len(text) // steps
    assert len(text) == columns * steps
    assert text.index("[") == 4 * columns
    assert text.index("]") == 10 * columns - 1
    assert set(row(lines, "T2").removeprefix(" T2 (4) ")) == {"·"}


def test_hours_stand_above_their_columns() -> None:
    lines = drawn(stay(2, at(19), at(20), "T1"))
    assert lines[0].index("19") == row(lines, "T1").index("[")
    assert lines[0].split() == ["17", "18", "19", "20", "21", "22"]


def test_zones_head_their_tables() -> None:
    lines = [line.strip() for line in drawn()]
    assert lines.index("main") < lines.index("bar")
    assert lines[lines.index("bar") + 1].startswith("B1")


def test_joined_tables_show_the_same_party_and_a_plus() -> None:
    lines = drawn(stay(6, at(20), at(22), "T1", "T2"))
    assert "[6+=" in row(lines, "T1")
    assert "[6+=" in row(lines, "T2")


def test_neighbours_in_time_do_not_run_into_each_other() -> None:
    text = row(drawn(stay(2, at(17), at(18, 30), "T1"), stay(1, at(18, 30), at(20), "T1")), "T1")
    assert text.count("[") == text.count("]") == 2


def test_the_waiting_are_listed_by_their_start() -> None:
    lines = drawn(stay(4, at(19), at(21)), stay(3, at(19), at(21)), stay(8, at(18), at(20)), width=120)
    assert lines[-1] == " without a table, for a person (3): 18:00 for 8, 19:00 for 4+3"


def test_it_never_is_wider_than_the_terminal() -> None:
    stays = [stay(2, at(17), at(18, 30), "T1"), stay(2, at(21, 30), at(23), "T1")]
    for width in (40, 60, 79, 120, 200):
        assert max(map(len, drawn(*stays, width=width))) <= width


def test_a_block_has_exactly_its_width() -> None:
    for width in range(1, 9):
        assert len(block(stay(12, at(19), at(21), "T1", "T2"), width)) == width
