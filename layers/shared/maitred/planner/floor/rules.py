"""May a party have these tables? By the rules alone: who sits there is not looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from maitred.domain.floor import Table
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.joins import adjacency_holds
from maitred.planner.model import PartyRequest

#: The rules that a person may set aside.
OVERRIDABLE = frozenset({"capacity", "min_party", "adjacency", "zone", "max_tables", "pacing", "walk_in"})


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that the set breaks, and a sentence for a host."""

    code: str
    message: str


def check_tables(index: FloorIndex, tables: Sequence[str], request: PartyRequest) -> tuple[Violation, ...]:
    """Every rule that these tables break for this party; none if they are allowed.

    Codes: ``no_tables``, ``unknown_table``, ``duplicate_table``, ``inactive``, ``out_of_service``,
    ``closed`` (the table, its zone or the restaurant, during part of the stay), ``zone``, ``attributes``,
    ``capacity``, ``min_party``, ``max_tables``, ``not_movable``, ``adjacency``. Walk-in tables may be used.
    """
    bad_names = tuple(_names(index, tables))
    if bad_names:
        return bad_names
    chosen = [index.tables[index.position[table]] for table in sorted(tables)]
    return (
        *_state(index, chosen, request),
        *_required(chosen, request),
        *_shape(index, chosen, request),
    )


def _names(index: FloorIndex, tables: Sequence[str]) -> Iterator[Violation]:
    if not tables:
        yield Violation("no_tables", "No table is listed")
    if len(set(tables)) < len(tables):
        yield Violation("duplicate_table", "A table is listed twice")
    for table in sorted(set(tables) - index.position.keys()):
        yield Violation("unknown_table", f"There is no table {table}")


def _state(index: FloorIndex, chosen: Sequence[Table], request: PartyRequest) -> Iterator[Violation]:
    closed = index.closed(request.start, request.end)
    for table in chosen:
        if not table.active:
            yield Violation("inactive", f"Table {table.id} is not in use")
        if table.out_of_service:
            yield Violation("out_of_service", f"Table {table.id} is out of service")
        if closed >> index.position[table.id] & 1:
            yield Violation("closed", f"Table {table.id} is closed at this time")


def _required(chosen: Sequence[Table], request: PartyRequest) -> Iterator[Violation]:
    if request.zone_required and any(table.zone != request.zone for table in chosen):
        yield Violation("zone", f"The party must sit in the zone {request.zone}")
    for attribute in sorted(request.required):
        without = [table.id for table in chosen if attribute not in table.attributes]
        if without:
            yield Violation("attributes", f"These tables do not have {attribute}: {', '.join(without)}")


def _shape(index: FloorIndex, chosen: Sequence[Table], request: PartyRequest) -> Iterator[Violation]:
    """Size and joining: a table's own range, the rules for joins, or a combination that lists the set."""
    if len(chosen) == 1:
        table = chosen[0]
        yield from _range(request.party_size, table.min_party, table.max_party)
        return
    joined = tuple(_joined(index, chosen, request.party_size))
    names = {table.id for table in chosen}
    rows = [row for row in index.floor.combinations if set(row.tables) == names]
    if joined and rows:
        ranges = (_range(request.party_size, row.min_party, row.max_party) for row in rows)
        yield from min(map(tuple, ranges), key=len)
    else:
        yield from joined


def _range(party_size: int, least: int, most: int) -> Iterator[Violation]:
    if party_size > most:
        yield Violation("capacity", f"A party of {party_size} is too large: at most {most} can sit here")
    if party_size < least:
        yield Violation(
            "min_party", f"A party of {party_size} is too small: these seats are kept for {least} or more"
        )


def _joined(index: FloorIndex, chosen: Sequence[Table], party_size: int) -> Iterator[Violation]:
    rules, names = index.rules, ", ".join(table.id for table in chosen)
    yield from _range(party_size, 1, sum(table.capacity for table in chosen))
    if len(chosen) > rules.max_tables:
        yield Violation("max_tables", f"At most {rules.max_tables} tables may be joined")
    fixed = [table.id for table in chosen if not table.movable]
    if fixed:
        yield Violation("not_movable", f"These tables cannot be moved: {', '.join(fixed)}")
    if len({table.zone for table in chosen}) > 1:
        yield Violation("zone", "The tables are in different zones")
    if not adjacency_holds(rules.mode, rules.neighbours, index.bits_of(table.id for table in chosen)):
        yield Violation(
            "adjacency", f"These tables do not touch as the restaurant requires ({rules.mode}): {names}"
        )
