"""The rules of a floor document that span several members, each reported at the member that breaks it."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from maitred.contracts.floor_values import last_seating_minutes, service_minutes
from maitred.planner.weights import DEFAULT_WEIGHTS

if TYPE_CHECKING:
    from maitred.contracts.restaurants import FloorDocument, ServiceDocument, TurnTimeDocument

type Location = tuple[int | str, ...]
type Problem = tuple[Location, str, str]


def check_floor(document: "FloorDocument") -> None:
    """Raise pydantic's ``ValidationError`` with one entry for every broken rule."""
    problems = [problem for rule in _RULES for problem in rule(document)]
    if problems:
        raise ValidationError.from_exception_data(
            "FloorDocument",
            [
                InitErrorDetails(
                    type=PydanticCustomError(code, "{rule}", {"rule": message}),
                    loc=location,
                    input=None,
                )
                for location, code, message in problems
            ],
        )


def _repeated(ids: Iterable[str], member: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, name in enumerate(ids):
        if name in seen:
            yield (member, number, "id"), "duplicate_id", "This id is used before"
        seen.add(name)


def _unique_ids(document: "FloorDocument") -> Iterator[Problem]:
    yield from _repeated((service.id for service in document.services), "services")
    yield from _repeated((zone.id for zone in document.zones), "zones")
    yield from _repeated((table.id for table in document.tables), "tables")


def _weights(document: "FloorDocument") -> Iterator[Problem]:
    for name in document.policy.weights:
        if name not in DEFAULT_WEIGHTS:
            yield (
                ("policy", "weights", name),
                "unknown_weight",
                f"The planner has no such term; it knows {', '.join(sorted(DEFAULT_WEIGHTS))}",
            )


def _turn_times(document: "FloorDocument") -> Iterator[Problem]:
    yield from _turn_list(document.policy.turn_times, ("policy", "turnTimes"))
    for number, service in enumerate(document.services):
        if service.turn_times is not None:
            yield from _turn_list(service.turn_times, ("services", number, "turnTimes"))


def _turn_list(turns: "tuple[TurnTimeDocument, ...]", location: Location) -> Iterator[Problem]:
    previous = 0
    for number, turn in enumerate(turns[:-1]):
        where = (*location, number, "maxParty")
        if turn.max_party is None:
            yield where, "null_before_last", "Only the last row may hold for every size"
        elif turn.max_party <= previous:
            yield where, "not_ascending", "Rows must rise by maxParty"
        previous = turn.max_party or previous
    if turns[-1].max_party is not None:
        yield (
            (*location, len(turns) - 1, "maxParty"),
            "sizes_not_covered",
            "The last row must have maxParty null",
        )


def _services(document: "FloorDocument") -> Iterator[Problem]:
    for number, service in enumerate(document.services):
        where: Location = ("services", number)
        if len(set(service.days)) < len(service.days):
            yield (*where, "days"), "duplicate_day", "A weekday is named twice"
        for member, code, message in _service_hours(service, document.policy.min_dining_minutes):
            yield (*where, member), code, message


def _service_hours(service: "ServiceDocument", min_dining: int) -> Iterator[tuple[str, str, str]]:
    opens, closes = service_minutes(service.opens, service.closes)
    if opens == closes:
        yield "closes", "empty_service", "A service must close after it opens"
        return
    if not service.allow_overrun and closes - opens < min_dining:
        yield "closes", "service_too_short", "No party could stay for minDiningMinutes"
    elif service.last_seating is not None:
        last = last_seating_minutes(service.last_seating, opens, closes, min_dining, allow_overrun=False)
        if last > closes:
            yield "lastSeating", "outside_service", "lastSeating must lie between opens and closes"


def _closures(document: "FloorDocument") -> Iterator[Problem]:
    zones, tables = _zone_ids(document), _table_ids(document)
    for number, closure in enumerate(document.closures):
        where: Location = ("closures", number)
        if closure.from_ >= closure.to:
            yield (*where, "to"), "not_after_from", "A closure must end after it begins"
        yield from _unknown(closure.zones or (), zones, (*where, "zones"))
        yield from _unknown(closure.tables or (), tables, (*where, "tables"))


def _tables(document: "FloorDocument") -> Iterator[Problem]:
    zones = _zone_ids(document)
    for number, table in enumerate(document.tables):
        where: Location = ("tables", number)
        if table.zone not in zones:
            yield (*where, "zone"), "unknown_reference", "No such zone"
        if table.max_party is not None and table.max_party > table.capacity:
            yield (*where, "maxParty"), "above_capacity", "maxParty must not exceed the capacity"
        if table.min_party > (table.max_party or table.capacity):
            yield (*where, "minParty"), "above_max_party", "minParty must not exceed maxParty"


def _adjacency(document: "FloorDocument") -> Iterator[Problem]:
    tables = _table_ids(document)
    for number, edge in enumerate(document.adjacency):
        yield from _unknown(edge, tables, ("adjacency", number))
        if edge[0] == edge[1]:
            yield ("adjacency", number), "self_edge", "A table does not touch itself"


def _combinations(document: "FloorDocument") -> Iterator[Problem]:
    capacities = {table.id: table.capacity for table in document.tables}
    for number, row in enumerate(document.combinations):
        where: Location = ("combinations", number)
        yield from _unknown(row.tables, capacities.keys(), (*where, "tables"))
        if len(set(row.tables)) < len(row.tables):
            yield (*where, "tables"), "duplicate_table", "A table is named twice"
            continue
        seats = sum(capacities.get(table, 0) for table in row.tables)
        if row.max_party is not None and row.max_party > seats and capacities.keys() >= set(row.tables):
            yield (*where, "maxParty"), "above_capacity", "maxParty must not exceed the sum of seats"
        if row.min_party > (row.max_party or seats) and capacities.keys() >= set(row.tables):
            yield (*where, "minParty"), "above_max_party", "minParty must not exceed maxParty"


def _unknown(names: Iterable[str], known: Iterable[str], location: Location) -> Iterator[Problem]:
    known = set(known)
    for number, name in enumerate(names):
        if name not in known:
            yield (*location, number), "unknown_reference", "Nothing in the document has this id"


def _zone_ids(document: "FloorDocument") -> set[str]:
    return {zone.id for zone in document.zones}


def _table_ids(document: "FloorDocument") -> set[str]:
    return {table.id for table in document.tables}


_RULES: tuple[Callable[["FloorDocument"], Iterable[Problem]], ...] = (
    _unique_ids,
    _weights,
    _turn_times,
    _services,
    _closures,
    _tables,
    _adjacency,
    _combinations,
)
