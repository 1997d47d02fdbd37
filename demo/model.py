"""The requests that a demo sends, and the answers that its clients got."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

type Document = dict[str, Any]

PARTY_NAMES = (
    "Ada", "Bela", "Chiara", "Dario", "Edith", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Luca",
    "Mara", "Nils", "Olga", "Pablo", "Quinn", "Rosa", "Sven", "Tove", "Uma", "Vera", "Wim", "Yuki", "Zoe",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Restaurant:
    """A restaurant and its floor document."""

    id: str
    document: Document

    @property
    def tables(self) -> Sequence[Document]:
        """Its tables, as the document lists them."""
        tables: Sequence[Document] = self.document["tables"]
        return tables


@dataclass(frozen=True, slots=True)
class Step:
    """One request: a booking, or the cancellation of what step ``cancels`` booked.

    ``start`` is venue-local.
    """

    number: int
    restaurant: str
    start: datetime
    party: int
    preferences: Mapping[str, Any] = field(default_factory=dict)
    cancels: int | None = None

    def body(self) -> Document:
        """The request's JSON."""
        if self.cancels is not None:
            return {"reason": "plans changed"}
        name = PARTY_NAMES[self.number % len(PARTY_NAMES)]
        return {
            "partySize": self.party,
            "date": f"{self.start:%Y-%m-%d}",
            "time": f"{self.start:%H:%M}",
            "guest": {"name": name, "email": f"{name.lower()}.{self.number}@example.com"},
            "preferences": dict(self.preferences),
        }


@dataclass(frozen=True, slots=True)
class Showing:
    """The floor to show at the end: a restaurant, its service day, and from when to when (venue-local)."""

    restaurant: str
    day: date
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Programme:
    """Everything that is played, in order. ``intro``: lines that say what it is and why.

    ``rate``: requests a second, 0 for as fast as the clients get their answers.
    """

    restaurants: Sequence[Restaurant]
    steps: Sequence[Step]
    showing: Showing
    intro: Sequence[str]
    rate: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one step. ``status`` 0: no answer at all; ``body`` then says why."""

    step: Step
    status: int
    body: Document
    milliseconds: float

    @property
    def booking_id(self) -> str | None:
        """The booking that was made or cancelled."""
        booking = self.body.get("booking")
        return str(booking["id"]) if isinstance(booking, dict) else None

    @property
    def outcome(self) -> str:
        """``confirmed`` or ``deferred`` for a booking made, ``cancelled``, else the problem's code."""
        if self.booking_id is None:
            return str(self.body.get("code") or f"HTTP {self.status}")
        if self.step.cancels is not None:
            return str(self.body["booking"]["state"])
        return str(self.body["assignment"]["outcome"])
