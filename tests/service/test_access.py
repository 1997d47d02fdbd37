"""What a token's claims allow."""

import pytest

from maitred.domain.errors import Forbidden
from maitred.entrypoints.http import BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS, caller_of


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ("", set()),
        ("something:else", set()),
        ("bookings:read", {BOOKINGS_READ}),
        ("bookings:write", {BOOKINGS_READ, BOOKINGS_WRITE}),
        ("operations", {BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS}),
        ("[bookings:read operations]", {BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS}),
        ("maitred/bookings:read", {BOOKINGS_READ}),
        ("openid https://api.example.com/bookings:write", {BOOKINGS_READ, BOOKINGS_WRITE}),
        ("/operations", {BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS}),
        ("operations/", set()),
        ("operations/x", set()),
        ("maitred.operations", set()),
    ],
)
def test_scopes_include_what_is_below_them(scope: str, granted: set[str]) -> None:
    caller = caller_of("someone", scope, "*")
    for wanted in (BOOKINGS_READ, BOOKINGS_WRITE, OPERATIONS):
        if wanted in granted:
            caller.require(wanted)
        else:
            with pytest.raises(Forbidden):
                caller.require(wanted)


@pytest.mark.parametrize(
    ("claim", "seen"),
    [
        ("harbour", True),
        ("harbour pier", True),
        ("[pier harbour]", True),
        ("*", True),
        ("harb", False),
        ("", False),
    ],
)
def test_restaurants_are_seen_by_whole_names(claim: str, seen: bool) -> None:
    assert caller_of("someone", "operations", claim).may_see("harbour") is seen
