"""``/restaurants/{r}/webhooks``: where a restaurant's systems want to be told of changes."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from maitred.contracts import responses
from maitred.contracts.messages import WebhookMessage
from maitred.domain import addresses
from maitred.domain.changes import ChangeType
from maitred.domain.errors import (
    AddressNotAllowed,
    FieldError,
    RestaurantNotFound,
    TooManyWebhooks,
    WebhookNotFound,
)
from maitred.services import ports
from maitred.services.assignment import records
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.ports import Json
from maitred.services.unit_of_work import commit, once
from maitred.services.webhooks.ports import Secrets, Webhook, Webhooks, context_of

MOST = 10
#: How long both secrets sign after a change of the secret.
OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """``secret`` None: the present one, or a new one if there is none yet."""

    restaurant_id: str
    webhook_id: str
    url: str
    events: tuple[ChangeType, ...]
    secret: str | None


class WebhookRegistry:
    def __init__(
        self, deps: Dependencies, webhooks: Webhooks, secrets: Secrets, *, anywhere: bool = False
    ) -> None:
        """``anywhere``: plain http and private addresses will do, for the local stack."""
        self._deps = deps
        self._anywhere = anywhere
        self._webhooks = webhooks
        self._secrets = secrets

    def put(self, request: WebhookRequest, context: RequestContext) -> Reply:
        """201 if it is new, else 200. The reply has the secret only if that is new, and only the first time.

        Raises AddressNotAllowed, RestaurantNotFound, TooManyWebhooks, StoreError.
        """
        self._require_address(request.url)
        return once(self._deps, context, lambda: self._put(request, context))

    def _require_address(self, url: str) -> None:
        """What can be told without asking for the name's addresses, which is done at each send."""
        parts = addresses.split(url, plain=self._anywhere)
        if parts is None or not (self._anywhere or addresses.is_public_name(parts.hostname or "")):
            message = "must be a public https address, such as https://example.com/maitred"
            raise AddressNotAllowed([FieldError("url", "address_not_allowed", message)])

    def _put(self, request: WebhookRequest, context: RequestContext) -> Reply:
        all_of_them = self._of(request.restaurant_id)
        found = next((each for each in all_of_them if each.id == request.webhook_id), None)
        if found is None and len(all_of_them) >= MOST:
            raise TooManyWebhooks
        secret = request.secret or (self._secrets.new() if found is None else None)
        after = self._after(request, found, secret)
        status = 201 if found is None else 200
        reply = Reply(status, responses.dumps({"webhook": webhook_json(after)}))
        is_new = found is None or after.digest != found.digest
        message = WebhookMessage(
            restaurant_id=after.restaurant_id, webhook_id=after.id, correlation_id=context.correlation_id
        )
        commit(
            self._deps,
            ports.Changes(
                webhook=ports.WebhookPut(
                    after.restaurant_id,
                    after.id,
                    after.url,
                    tuple(each.stored for each in after.events),
                    after.secret,
                    after.digest,
                    found.digest if found else None,
                    OVERLAP,
                    MOST,
                    after.updated_at,
                ),
                outbox=[
                    records.webhook_row(message, after.updated_at)
                ],  # what it has missed while it was disabled
                reply=to_store(context.key, reply),
            ),
        )
        if not is_new:
            return reply
        return replace(reply, body=responses.dumps({"webhook": webhook_json(after), "secret": secret}))

    def _after(self, request: WebhookRequest, found: Webhook | None, secret: str | None) -> Webhook:
        now = self._deps.clock.now()
        made = found or Webhook(
            request.restaurant_id,
            request.webhook_id,
            "",
            (),
            "",
            "",
            None,
            None,
            0,
            0,
            None,
            None,
            None,
            now,
            now,
            None,
        )
        after = replace(
            made, url=request.url, events=request.events, failing_since=None, disabled_at=None, updated_at=now
        )
        if secret is None or digest_of(secret) == after.digest:
            return after
        context = context_of(request.restaurant_id, request.webhook_id)
        return replace(after, secret=self._secrets.encrypt(secret, context), digest=digest_of(secret))

    def read(self, restaurant_id: str, webhook_id: str) -> Reply:
        """Raises RestaurantNotFound, WebhookNotFound, StoreError."""
        for each in self._of(restaurant_id):
            if each.id == webhook_id:
                return Reply(200, responses.dumps({"webhook": webhook_json(each)}))
        raise WebhookNotFound

    def page(self, restaurant_id: str) -> Reply:
        """All of them, by id. Raises RestaurantNotFound, StoreError."""
        items = [webhook_json(each) for each in self._of(restaurant_id)]
        return Reply(200, responses.dumps({"items": items, "nextCursor": None}))

    def delete(self, restaurant_id: str, webhook_id: str, context: RequestContext) -> Reply:
        """204, also if there is none. Raises RestaurantNotFound, StoreError."""

        def gone() -> Reply:
            self._of(restaurant_id)
            reply = Reply(204, "")
            removed = ports.WebhookGone(restaurant_id, webhook_id)
            commit(self._deps, ports.Changes(webhook_gone=removed, reply=to_store(context.key, reply)))
            return reply

        return once(self._deps, context, gone)

    def _of(self, restaurant_id: str) -> Sequence[Webhook]:
        found = self._webhooks.of_restaurant(restaurant_id)
        if found is None:
            raise RestaurantNotFound
        return found


def digest_of(secret: str) -> str:
    """Tells secrets apart. They are random and long, so it gives nothing away."""
    return hashlib.sha256(secret.encode()).hexdigest()


def webhook_json(webhook: Webhook) -> Json:
    """``failingSince``: nothing was delivered since then, though it was tried."""

    return {
        "id": webhook.id,
        "url": webhook.url,
        "events": [each.value for each in webhook.events],
        "createdAt": webhook.created_at.replace(microsecond=0).isoformat(),
        "updatedAt": webhook.updated_at.replace(microsecond=0).isoformat(),
        "failingSince": webhook.failing_since and webhook.failing_since.replace(microsecond=0).isoformat(),
        "disabledAt": webhook.disabled_at and webhook.disabled_at.replace(microsecond=0).isoformat(),
    }
