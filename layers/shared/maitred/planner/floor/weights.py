"""The named terms of a plan's score and what a unit of each costs, unless ``policy.weights`` says otherwise.

A score is a sum of penalties: 0 is a perfect fit, lower is better. Rules are never weighted.
"""

from collections.abc import Mapping
from types import MappingProxyType

WASTED_SEATS = "wasted_seats"
EXTRA_TABLES = "extra_tables"
ZONE_MISSED = "zone_missed"
ATTRIBUTES_MISSED = "attributes_missed"
DEAD_TIME = "dead_time"
SCARCITY = "scarcity"
BALANCE = "balance"
MOVES = "moves"
JOINS = "joins"
UNASKED = "unasked"

#: The cost of one unit of each term: a seat left empty; a table beyond the first; a preferred zone missed; a
#: preferred attribute missed; gaps beside the stay that are too short for any party (1: as bad as they can
#: be); a table's scarcity (day/demand.py); a zone fuller than the emptiest one (1: full against empty); a
#: booking that is moved; a single table that could be joined with others; what a set has and the party did
#: not ask for (2/3: an accessible table; 1/3: a seating type other than standard). An exact fit of two tables
#: is worth more than a table with two seats too many. Dead time, balance, joins and unasked together weigh
#: less than one seat, so that of two single tables the one that fits better wins, unless the expected demand
#: makes it the scarcer one.
DEFAULT_WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        WASTED_SEATS: 1.0,
        EXTRA_TABLES: 1.5,
        ZONE_MISSED: 4.0,
        ATTRIBUTES_MISSED: 2.0,
        DEAD_TIME: 0.6,
        SCARCITY: 1.0,
        BALANCE: 0.3,
        MOVES: 3.0,
        JOINS: 0.05,
        UNASKED: 0.04,
    }
)
