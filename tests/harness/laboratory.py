"""A laboratory of faults: every boundary of a flow is found, and the plug is pulled at each in turn.

A boundary lies before and after each statement, each round trip, each send to a queue and each letter. Two
things can break there: the line (the database's session is ended by itself, the client lives and sees an
error) and the process (nothing of it runs any more, nothing of it is told).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email import message_from_bytes
from enum import StrEnum
from functools import partial
from typing import Any

import pytest

from maitred.adapters.highs import shift_child
from maitred.adapters.highs.shift import HighsShiftSolver
from maitred.adapters.mail import SesMailer
from maitred.adapters.postgres.database import Call, Database
from maitred.adapters.postgres.statements import load_statements
from maitred.adapters.sqs import SqsQueue
from maitred.adapters.webhook_sender import WebhookSender
from maitred.services import ports
from maitred.services.messaging.notify import MailUnavailable
from maitred.services.ports import OutgoingMessage, SendReport
from maitred.services.webhooks.ports import DeliveryFailed
from tests.harness.service import Service, forget_wiring

_SUICIDE = "end_this_session"
_ROUNDS = 12
_RECEIVES = 5  # after so many deliveries a message would lie in the dead-letter queue


class Killed(BaseException):
    """The process is gone. No `except Exception` sees it; whatever still runs finds everything dead."""


class Fault(StrEnum):
    CUT = "the session ends before a statement"
    LOST = "the answer is lost"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"
    REFUSED = "refused"
    DOUBTFUL = "done, and an error told"


@dataclass(frozen=True, slots=True)
class Boundary:
    """At the ``step``-th thing that a flow does outside the process; ``statement``: within a round trip."""

    step: int
    fault: Fault
    statement: int = 0
    what: str = ""


@dataclass(slots=True)
class Plug:
    """Stands between the process and all that is outside; pulled at most once.

    ``letters``: the notifications that left, as the provider saw them. ``events``: the ids of those that a
    webhook's receiver took. ``queues``: the messages in each, by its URL: many thousands of them are sent,
    which an emulator would be slow at.
    """

    armed: Boundary | None = None
    fired: bool = False
    dead: bool = False
    steps: list[list[Boundary]] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    queues: dict[str, list[str]] = field(default_factory=dict)

    def arm(self, boundary: Boundary | None) -> None:
        self.armed, self.fired, self.dead, self.steps = boundary, False, False, []

    def step(self, faults: Sequence[Boundary]) -> Boundary | None:
        """Note the next step; the fault to be had at it."""
        if self.dead:
            raise Killed
        number = len(self.steps)
        self.steps.append([replace(fault, step=number) for fault in faults])
        if self.armed is None or self.fired or self.armed.step != number:
            return None
        self.fired = True
        if self.armed.fault is Fault.KILLED_BEFORE:
            self.die()
        return self.armed

    def die(self) -> None:
        self.dead = True
        raise Killed

    def boundaries(self) -> list[Boundary]:
        return [boundary for step in self.steps for boundary in step]


#: The queues, and who reads them.
_READERS = {"assign": "assign", "notification": "notify", "optimize": "optimize", "webhook": "deliver"}


class Laboratory:
    """The service with its plug. ``undelivered``: messages that each queue's reader has yet to finish."""

    def __init__(self, service: Service, plug: Plug) -> None:
        self.service = service
        self.plug = plug
        self.undelivered: dict[str, list[tuple[str, int]]] = {name: [] for name in _READERS}

    def attempt(self, act: Callable[[], object], boundary: Boundary | None) -> None:
        """Do ``act`` with the plug pulled at ``boundary``; what follows finds a new process."""
        self.plug.arm(boundary)
        try:
            act()
        except Killed:
            pass
        except Exception:
            if not self.plug.fired:  # a schedule's failure is its own answer: it comes again
                raise
        finally:
            if self.plug.dead:
                forget_wiring()
            self.plug.armed, self.plug.dead = None, False

    def receive(self) -> None:
        for queue, waiting in self.undelivered.items():
            waiting += [(body, 0) for body in self.take(queue)]

    def take(self, queue: str) -> list[str]:
        """What lies in a queue; it is gone then."""
        return self.plug.queues.pop(self.service.queues[queue], [])

    def work(self) -> None:
        """Let the background job work until its queue is empty."""
        while bodies := self.take("assign"):
            assert self.service.deliver("assign", *bodies) == {"batchItemFailures": []}

    def deliver(self, queue: str) -> None:
        """Hand over what waits, one by one; what fails or dies is delivered again later."""
        function = _READERS[queue]
        waiting, self.undelivered[queue] = self.undelivered[queue], []
        for position, (body, receives) in enumerate(waiting):
            assert receives < _RECEIVES, "a message ends in the dead-letter queue"
            try:
                answer = self.service.deliver(function, body, receives=receives + 1)
            except Killed:
                self.undelivered[queue] += [(body, receives + 1), *waiting[position + 1 :]]
                raise
            if answer["batchItemFailures"]:
                self.undelivered[queue].append((body, receives + 1))

    def settle(self, again: Callable[[], object]) -> None:
        """The client asks again, schedules run, queues deliver, clocks go on: until nothing is left to do."""
        for _ in range(_ROUNDS):
            self._let_time_pass()
            again()
            self.service.scheduled("maintain")
            self.service.scheduled("relay")
            self.receive()
            for queue in self.undelivered:
                self.deliver(queue)
            self.receive()
            if not any(self.undelivered.values()) and self._drained():
                return
        raise AssertionError("it never comes to rest")

    def _drained(self) -> bool:
        unsent: int = self.service.database.value("select count(*) from outbox where sent_at is null")
        return unsent == 0

    def _let_time_pass(self) -> None:
        """Leases run out, what is due later becomes due, what was touched lately was touched long ago."""
        self.service.database.query(
            "update outbox set claimed_until = '-infinity', due_at = least(due_at, now())"
        )
        self.service.database.query(
            "update bookings set updated_at = now() - interval '1 hour',"
            " lease_until = lease_until - interval '1 hour'"
        )
        self.service.database.query("update notifications set claimed_at = now() - interval '1 hour'")
        self.service.database.query(
            "update webhooks set lease_until = lease_until - interval '1 hour', next_try_at = '-infinity'"
        )
        self.service.database.query("update booking_changes set at = at - interval '1 hour'")


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Iterator[Plug]:
    """The plug, set into the line to the database, the queues and the mail."""
    pulled = Plug()
    _set_into_line(pulled, monkeypatch)
    _set_into_queues(pulled, monkeypatch)
    _set_into_mail(pulled, monkeypatch)
    _set_into_webhooks(pulled, monkeypatch)
    _solve_here(monkeypatch)
    yield pulled
    forget_wiring()


def _set_into_line(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    statements = {**load_statements(), _SUICIDE: b"select pg_terminate_backend(pg_backend_pid())"}
    monkeypatch.setattr("maitred.adapters.postgres.database.load_statements", lambda: statements)
    real = Database._pipeline

    def pipeline(
        self: Database,
        conn: Any,
        calls: Sequence[Call],
        budget_ms: int | None,
        *,
        begin: bytes | None,
        commit: bool,
        before: Call | None = None,
    ) -> Any:
        names = [call.name for call in calls]
        faults = [
            *(Boundary(0, Fault.CUT, k, name) for k, name in enumerate(names)),
            *([Boundary(0, Fault.CUT, len(calls), "commit")] if commit else []),
            *(
                Boundary(0, fault, 0, "+".join(names))
                for fault in (Fault.LOST, Fault.KILLED_BEFORE, Fault.KILLED_AFTER)
            ),
        ]
        found = plug.step(faults)
        if found is not None and found.fault is Fault.CUT:
            calls = [*calls[: found.statement], Call(_SUICIDE, {}), *calls[found.statement :]]
        rows = real(self, conn, calls, budget_ms, begin=begin, commit=commit, before=before)
        if found is not None and found.fault is Fault.LOST:
            self.close()
            raise ports.Unavailable("the answer is lost")
        if found is not None and found.fault is Fault.KILLED_AFTER:
            plug.die()
        return rows

    monkeypatch.setattr(Database, "_pipeline", pipeline)


def _set_into_queues(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(_: SqsQueue, queue_url: str, messages: Sequence[OutgoingMessage]) -> SendReport:
        faults = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.REFUSED, Fault.DOUBTFUL)
        found = plug.step([Boundary(0, fault, 0, "send") for fault in faults])
        failed = SendReport(dict.fromkeys(range(len(messages)), "EndpointConnectionError"))
        if found is not None and found.fault is Fault.REFUSED:
            return failed
        plug.queues.setdefault(queue_url, []).extend(message.body for message in messages)
        if found is not None and found.fault is Fault.KILLED_AFTER:
            plug.die()
        return failed if found is not None and found.fault is Fault.DOUBTFUL else SendReport({})

    monkeypatch.setattr(SqsQueue, "change_visibility", lambda *_: None)
    monkeypatch.setattr(SqsQueue, "send", send)


def _solve_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process of its own for the shift's solver: hundreds of them would take minutes."""
    here = partial(HighsShiftSolver, run=shift_child.last)
    monkeypatch.setattr("maitred.bootstrap.optimize.HighsShiftSolver", here)


def _set_into_mail(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def send(self: SesMailer, to: str, content: bytes) -> str:
        faults = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.REFUSED, Fault.DOUBTFUL)
        found = plug.step([Boundary(0, fault, 0, "letter") for fault in faults])
        if found is not None and found.fault is Fault.REFUSED:
            raise MailUnavailable("Throttling")
        plug.letters.append(message_from_bytes(content)["X-Maitred-Notification"])
        if found is not None and found.fault is Fault.KILLED_AFTER:
            plug.die()
        if found is not None and found.fault is Fault.DOUBTFUL:
            raise TimeoutError
        return f"provider-{len(plug.letters)}"

    monkeypatch.setattr(SesMailer, "send", send)


def _set_into_webhooks(plug: Plug, monkeypatch: pytest.MonkeyPatch) -> None:
    def post(self: WebhookSender, url: str, body: str, headers: Mapping[str, str]) -> None:
        faults = (Fault.KILLED_BEFORE, Fault.KILLED_AFTER, Fault.REFUSED, Fault.DOUBTFUL)
        found = plug.step([Boundary(0, fault, 0, "event") for fault in faults])
        if found is not None and found.fault is Fault.REFUSED:
            raise DeliveryFailed("status 500")
        plug.events.append(headers["webhook-id"])
        if found is not None and found.fault is Fault.KILLED_AFTER:
            plug.die()
        if found is not None and found.fault is Fault.DOUBTFUL:
            raise DeliveryFailed("time-out")

    monkeypatch.setattr(WebhookSender, "post", post)
