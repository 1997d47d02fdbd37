"""Who calls, and what the token lets them do (contract 1)."""

from dataclasses import dataclass

from maitred.domain.errors import Forbidden

OPERATIONS = "operations"
BOOKINGS_WRITE = "bookings:write"
BOOKINGS_READ = "bookings:read"

_IMPLIED = {
    OPERATIONS: frozenset({OPERATIONS, BOOKINGS_WRITE, BOOKINGS_READ}),
    BOOKINGS_WRITE: frozenset({BOOKINGS_WRITE, BOOKINGS_READ}),
    BOOKINGS_READ: frozenset({BOOKINGS_READ}),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated client: its subject, its scopes (with what they include), its restaurants."""

    subject: str
    scopes: frozenset[str]
    restaurants: frozenset[str]

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the token carries ``scope``."""
        if scope not in self.scopes:
            raise Forbidden(f"the token lacks the scope {scope}")

    def may_see(self, restaurant_id: str) -> bool:
        return "*" in self.restaurants or restaurant_id in self.restaurants


def caller_of(subject: str, scope: str, restaurants: str) -> Caller:
    """From the claims as text, entries separated by spaces (API Gateway writes a list claim as ``[a b]``)."""
    granted = frozenset().union(*(_IMPLIED.get(s, frozenset()) for s in _entries(scope)))
    return Caller(subject, granted, frozenset(_entries(restaurants)))


def _entries(claim: str) -> list[str]:
    return claim.strip("[]").split()
