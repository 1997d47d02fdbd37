"""What webhooks need from outside, and what is stored of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from maitred.domain.changes import ChangeType
from maitred.services.ports import BookingChange


@dataclass(frozen=True, slots=True)
class Webhook:
    """A restaurant's webhook as it is stored. ``secret``, ``previous_secret``: encrypted.

    ``digest`` tells whether a secret is the present one. ``position``: changes up to here are delivered or
    given up. ``attempts``: failed tries in a row of the change after it, the first at ``first_failed_at``.
    ``failing_since``: since when nothing was delivered, though it was tried. ``contact``: the restaurant's
    address.
    """

    restaurant_id: str
    id: str
    url: str
    events: tuple[ChangeType, ...]
    secret: str
    digest: str
    previous_secret: str | None
    previous_until: datetime | None
    position: int
    attempts: int
    first_failed_at: datetime | None
    failing_since: datetime | None
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    contact: str | None

    @property
    def context(self) -> Mapping[str, str]:
        """What its secrets are bound to: they can be decrypted for this webhook only."""
        return context_of(self.restaurant_id, self.id)


def context_of(restaurant_id: str, webhook_id: str) -> Mapping[str, str]:
    return {"restaurant": restaurant_id, "webhook": webhook_id}


@dataclass(frozen=True, slots=True)
class PendingChanges:
    """The next changes that a webhook wants. ``upto``: the position up to which there are no others."""

    changes: Sequence[BookingChange]
    upto: int


class Webhooks(Protocol):
    """Every method may raise StoreError."""

    def of_restaurant(self, restaurant_id: str) -> Sequence[Webhook] | None:
        """By id; None if there is no such restaurant."""

    def find(self, restaurant_id: str, webhook_id: str) -> Webhook | None: ...

    def lease(
        self, restaurant_id: str, webhook_id: str, token: UUID, seconds: int, now: datetime
    ) -> Webhook | None:
        """The right to send, for ``seconds`` at least.

        None if nothing is to be sent now: the webhook is gone, disabled or resting, or another worker sends,
        which then looks for more before it ends.
        """

    def pending(self, webhook: Webhook, after: int, limit: int) -> PendingChanges:
        """Up to ``limit`` changes after the position ``after`` that the webhook wants, in their order."""

    def change_at(self, webhook: Webhook, position: int) -> BookingChange | None:
        """None once the feed does not keep it any more."""

    def delivered(self, webhook: Webhook, token: UUID, position: int, seconds: int) -> bool:
        """The change at ``position`` is delivered. Extends the lease; False if it is lost."""

    def release(self, webhook: Webhook, token: UUID, upto: int, seconds: int) -> bool:
        """Up to ``upto`` nothing is left. Ends the lease, unless more has come meanwhile: then it goes on.

        Returns whether it goes on.
        """


class DeliveryFailed(Exception):
    """The receiver did not take an event; the text says why in a few words, without the receiver's own."""


class EventSender(Protocol):
    def post(self, url: str, body: str, headers: Mapping[str, str]) -> None:
        """Raises DeliveryFailed unless the receiver answers 2xx in time from an allowed address."""


class Secrets(Protocol):
    """Encrypts the secrets that webhooks sign with. May raise StoreError."""

    def new(self) -> str:
        """A random one, as Standard Webhooks writes it."""

    def encrypt(self, secret: str, context: Mapping[str, str]) -> str: ...

    def decrypt(self, encrypted: str, context: Mapping[str, str]) -> str: ...
