"""Which tables does a party get? The planner answers with a plan, or with a refusal that it has proven.

It is pure: all it knows is in its arguments, and the same arguments give the same answer. ``compile_floor``
makes an index of a floor, once a layout version. ``quote`` decides one `Problem` on it, ``alternatives``
finds other starts for a party that was refused, ``judge`` checks tables that a person chose, and ``replay``
makes a decision again from its ``record``. docs/planner.md explains how a table is found.

An evening with three tables. Ann's party of two has the table for four from 19:00, Bob's party has the table
for six, and the table for two is free again at 18:55, after Eve:

>>> from datetime import UTC, date, datetime
>>> from zoneinfo import ZoneInfo
>>> from maitred.domain.floor import Floor, Policy, Table, Zone
>>> from maitred.domain.windows import to_minutes
>>> from maitred.planner import *

>>> def table(name, seats):
...     return Table(name, "main", seats, 1, seats, movable=True, active=True, out_of_service=False,
...                  walk_in_only=False, priority=0, seating_type="standard", attributes=frozenset())
>>> floor = Floor("harbour", 1, "Harbour Room", ZoneInfo("UTC"), Policy(buffer_after_minutes=5),
...               services=(), closures=(), zones=(Zone("main", "Main room"),), adjacency=frozenset(),
...               tables=(table("T1", 2), table("T2", 4), table("T3", 6)), combinations=())
>>> index = compile_floor(floor)

>>> day = date(2026, 12, 4)
>>> def at(hour, minute):
...     return to_minutes(datetime(2026, 12, 4, hour, minute, tzinfo=UTC))
>>> allocations = (  # buffers included
...     Allocation("T1", at(17, 20), at(18, 55), "eve"),
...     Allocation("T2", at(19, 0), at(20, 35), "ann"),
...     Allocation("T3", at(18, 30), at(20, 35), "bob"),
... )

A party of four asks for 19:15. No table is free for it, unless a booking moves:

>>> four = PartyRequest(4, at(19, 15), at(21, 0), "dinner", day)
>>> problem = Problem(four, span=(at(12, 0), at(23, 59)), allocations=allocations)
>>> class Unhurried:
...     def expired(self):
...         return False
>>> refusal = quote(index, problem, Unhurried())
>>> refusal.reason.code
<ReasonCode.NO_CAPACITY: 'no_capacity'>
>>> print(refusal.explanation)
No table or combination of tables is free for a party of 4 at this time.

Ann may be moved. She keeps her time, and nothing else was promised to her:

>>> from dataclasses import replace
>>> ann = MovableBooking("ann", 2, at(19, 0), at(20, 30), ("T2",))
>>> plan = quote(index, replace(problem, movable=(ann,)), Unhurried())
>>> plan.tables, plan.moves
(('T2',), (Move(booking_id='ann', from_tables=('T2',), to_tables=('T1',)),))
>>> plan.strategy, plan.score, plan.terms
('rearrange', 3.0, (('wasted_seats', 0.0), ('extra_tables', 0.0), ('moves', 3.0)))
>>> print(plan.explanation)  # doctest: +NORMALIZE_WHITESPACE
Table T2 fits a party of 4 exactly; nothing was free.
To make room, 1 other booking moves to equivalent tables.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from maitred.planner.answer.alternatives import Reach, alternatives
    from maitred.planner.answer.choice import BrokenRules, Choice, Judgement, judge, keep_hold
    from maitred.planner.answer.explanation import explanation_data
    from maitred.planner.answer.quote import quote
    from maitred.planner.answer.replay import record, replay
    from maitred.planner.day.drawn_day import DrawnDay, Problem, draw_day
    from maitred.planner.floor.index import FloorIndex, compile_floor
    from maitred.planner.model import (
        Allocation,
        Alternative,
        Covers,
        Deadline,
        Decision,
        MovableBooking,
        Move,
        PartyRequest,
        Plan,
        Refusal,
    )
    from maitred.planner.options import PlannerOptions

__all__ = [
    "Allocation", "Alternative", "BrokenRules", "Choice", "Covers", "Deadline", "Decision", "DrawnDay",
    "FloorIndex", "Judgement", "MovableBooking", "Move", "PartyRequest", "Plan", "PlannerOptions",
    "Problem", "Reach", "Refusal", "alternatives", "compile_floor", "draw_day", "explanation_data",
    "judge", "keep_hold", "quote", "record", "replay",
]  # fmt: skip

#: Where each name lives.
_HOMES = {
    "answer.alternatives": ("Reach", "alternatives"),
    "answer.choice": ("BrokenRules", "Choice", "Judgement", "judge", "keep_hold"),
    "answer.explanation": ("explanation_data",),
    "answer.quote": ("quote",),
    "answer.replay": ("record", "replay"),
    "day.drawn_day": ("DrawnDay", "Problem", "draw_day"),
    "floor.index": ("FloorIndex", "compile_floor"),
    "model": (
        *("Allocation", "Alternative", "Covers", "Deadline", "Decision", "MovableBooking", "Move"),
        *("PartyRequest", "Plan", "Refusal"),
    ),
    "options": ("PlannerOptions",),
}


def __getattr__(name: str) -> Any:
    """Import a name's module when the name is first used: most functions of the service need few."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"{__name__} has no {name}")
