"""The messages of the queues (see docs/api.md, Messages and queues): strict to send, tolerant to read."""

from abc import ABC, abstractmethod
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from maitred.domain.booking import Trigger

ASSIGN = "assign"
NOTIFICATION = "notification"
OPTIMIZE = "optimize"
WEBHOOK = "webhook"
WEBHOOK_DEAD = "webhook_dead"

# These values go on to queues and tables, where one bad value would fail its whole batch.
Printable = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{1,256}$")]
_MOST_ATTEMPTS = 10_000


class Message(BaseModel, ABC):
    """Ignores unknown members, so that an older reader understands a newer sender."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")

    @abstractmethod
    def about(self) -> dict[str, str]:
        """The ids for the log lines about this message."""

    def wire(self) -> dict[str, object]:
        return self.model_dump(mode="json", by_alias=True)


class AssignMessage(Message):
    """``attempt`` counts the job's attempts from 1. ``booking_version``: the pending booking's version."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    booking_id: UUID
    restaurant_id: Printable
    booking_version: int = Field(ge=1)
    trigger: Trigger
    attempt: int = Field(ge=1, le=_MOST_ATTEMPTS)
    correlation_id: Printable
    enqueued_at: AwareDatetime

    def about(self) -> dict[str, str]:
        return {
            "correlation_id": self.correlation_id,
            "restaurant_id": self.restaurant_id,
            "booking_id": str(self.booking_id),
        }


class OptimizeMessage(Message):
    """One service of a restaurant is to be looked at. ``run``: its name, which is the same in a copy."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    restaurant_id: Printable
    service_date: date
    service_id: Printable
    run: Printable
    correlation_id: Printable
    enqueued_at: AwareDatetime

    def about(self) -> dict[str, str]:
        return {"correlation_id": self.correlation_id, "restaurant_id": self.restaurant_id}


class WebhookMessage(Message):
    """There may be something to tell a webhook. ``position``: send that one change again, out of turn."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    restaurant_id: Printable
    webhook_id: Printable
    position: int | None = Field(default=None, ge=1)
    correlation_id: Printable

    def about(self) -> dict[str, str]:
        return {"correlation_id": self.correlation_id, "restaurant_id": self.restaurant_id}


class NotificationMessage(Message):
    schema_: Literal[1] = Field(default=1, alias="schema")
    notification_id: UUID
    booking_id: UUID
    kind: str
    variant: str | None
    to: str
    locale: str
    correlation_id: Printable

    def about(self) -> dict[str, str]:
        return {"correlation_id": self.correlation_id, "booking_id": str(self.booking_id)}
