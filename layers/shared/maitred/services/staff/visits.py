"""The party comes, leaves, or does not come: what a host marks during the service."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State, require_transition
from maitred.planner.floor.index import FloorIndex
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.layout_change import problem_of
from maitred.services.assignment.wake import Waking
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.kit import Kit
from maitred.services.unit_of_work import change_booking, write

UNDONE = "no_show_undone"
_BUDGET_MS = 2000  # for one that holds the day


@dataclass(frozen=True, slots=True)
class _Mark:
    """A step of the machine. ``tables``: those held after it; ``reason``: the history's."""

    booking: Booking
    target: State
    reason: str
    tables: tuple[str, ...]


class Visits:
    def __init__(self, kit: Kit, floors: Floors, waking: Waking) -> None:
        self._kit = kit
        self._floors = floors
        self._waking = waking

    def seat(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has come. Raises InvalidTransition, as all of these do."""

        def mark(current: Booking) -> Reply:
            require_transition(current.state, State.SEATED)
            effects, reply = self._effects(_Mark(current, State.SEATED, "seated", current.tables), context)
            return write(self._kit, effects, reply)

        return change_booking(self._kit.book, booking, context, mark)

    def complete(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has left; what is left of its time is free."""
        return self._leave(booking, State.COMPLETED, "completed", context)

    def no_show(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has not come; its tables are free."""
        return self._leave(booking, State.NO_SHOW, "no_show", context)

    def undo_no_show(self, booking: Booking, context: RequestContext) -> Reply:
        """The party has come after all: on its tables if still free, else the job looks for others."""

        def mark(current: Booking) -> Reply:
            if current.state is not State.NO_SHOW:
                raise errors.InvalidTransition(f"the booking is {current.state.value}, not a no-show")
            return self._restore(current, context)

        return change_booking(self._kit.book, booking, context, mark)

    def _leave(self, booking: Booking, target: State, reason: str, context: RequestContext) -> Reply:
        def mark(current: Booking) -> Reply:
            require_transition(current.state, target)
            effects, reply = self._effects(_Mark(current, target, reason, ()), context)
            freed = replace(
                effects,
                touched_days=[(current.restaurant_id, current.service_date)],
                release=[current.id],
                outbox=self._waking.messages(current, context.correlation_id, self._kit.clock.now()),
            )
            return write(self._kit, freed, reply)

        return change_booking(self._kit.book, booking, context, mark)

    def _effects(self, mark: _Mark, context: RequestContext) -> tuple[ports.Effects, Reply]:
        before, version = mark.booking, mark.booking.version + 1
        steps = records.steps_through((before.state, mark.target), version)
        zone = before.zone if mark.tables else None
        after = replace(before, state=mark.target, version=version, tables=mark.tables, zone=zone)
        reply = Reply(200, responses.dumps({"booking": responses.booking_json(after)}))
        tables: ports.Json = {"tables": list(before.tables or mark.tables)}
        effects = ports.Effects(
            changes=[
                ports.BookingChange(
                    before.id,
                    before.version,
                    version,
                    mark.target,
                    pinned=before.pinned,
                    tables=before.tables,
                )
            ],
            history=records.history_rows(before, steps, context.actor, mark.reason, tables),
            events=events.state_changed(before, context.correlation_id, steps, context.actor),
            reply=to_store(context.key, reply),
        )
        return effects, reply

    # --- undoing a no-show ---

    def _restore(self, booking: Booking, context: RequestContext) -> Reply:
        """Decided while the day is held: nobody takes the tables in between."""
        index = read_floor(self._kit.book, self._floors, booking.restaurant_id)
        had = self._kit.book.released(booking.id)
        start, end = (had[0].start, had[0].end) if had else (booking.start_at, booking.end_at)
        day = ports.Day(booking.restaurant_id, booking.service_date, start, end, None, "")
        with self._kit.book.locked_day(day, index.floor.layout_version, _BUDGET_MS) as locked:
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout")
            now = self._kit.clock.now()
            if _still_free(booking, had, index, locked.snapshot, now):
                effects, reply = self._back_on(booking, had, index, context)
            else:
                effects, reply = self._search_again(booking, context, now)
            sent = locked.apply(effects)
        self._kit.telemetry.committed(effects.events)
        self._kit.relay.send_now(sent)
        return reply

    def _back_on(
        self,
        booking: Booking,
        had: Sequence[ports.TableAllocation],
        index: FloorIndex,
        context: RequestContext,
    ) -> tuple[ports.Effects, Reply]:
        tables = [index.tables[index.position[row.table_id]] for row in had]
        back = replace(booking, zone=min(table.zone for table in tables))
        names = tuple(table.id for table in tables)
        effects, reply = self._effects(_Mark(back, State.CONFIRMED, UNDONE, names), context)
        version = index.floor.layout_version
        rows = [
            replace(row, layout_version=version, capacity=table.capacity)
            for row, table in zip(had, tables, strict=True)
        ]
        return replace(effects, allocations=rows), reply

    def _search_again(
        self, booking: Booking, context: RequestContext, now: datetime
    ) -> tuple[ports.Effects, Reply]:
        mark = _Mark(replace(booking, pinned=False), State.ASSIGNMENT_PENDING, UNDONE, ())
        effects, reply = self._effects(mark, context)
        waiting = replace(booking, version=booking.version + 1)
        job = records.assign_row(waiting, Trigger.RETRY, 1, context.correlation_id, now)
        return replace(effects, outbox=[job]), reply


def _still_free(
    booking: Booking,
    had: Sequence[ports.TableAllocation],
    index: FloorIndex,
    snapshot: ports.Snapshot,
    now: datetime,
) -> bool:
    tables = tuple(row.table_id for row in had)
    overridden = frozenset(rule for row in had for rule in row.overrides)
    if problem_of(index, replace(booking, tables=tables), now, overridden) is not None:
        return False
    return not {row.table_id for row in snapshot.allocations} & set(tables)
