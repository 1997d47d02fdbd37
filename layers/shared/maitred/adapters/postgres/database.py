"""One connection for each sandbox, statements by name, and a transaction in one round trip.

A unit of work is one pipeline: begin, limits, statements, commit. A statement that must touch exactly one row
raises on the server if it does not, so the client need not check before the commit.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import psycopg
from psycopg import errors

from maitred.adapters.postgres.outage import Outage
from maitred.adapters.postgres.statements import load_statements
from maitred.services import ports

logger = logging.getLogger(__name__)

_BEGIN = b"begin"
_BEGIN_AT_ONE_MOMENT = b"begin isolation level repeatable read read only"

Params = Mapping[str, Any]
Rows = list[tuple[Any, ...]]
PlainConnection = psycopg.Connection[tuple[Any, ...]]

_BY_SQLSTATE: Mapping[str, type[ports.StoreError]] = {
    "MTL01": ports.Conflict,  # the layout changed
    "MTR01": ports.Conflict,  # the day's revision changed
    "23P01": ports.Conflict,  # the exclusion constraint of the ledger
    "40001": ports.Conflict,
    "40P01": ports.Conflict,
    "MTV01": ports.StaleVersion,
    "MTH01": ports.HoldGone,
    "MTD01": ports.DeadlinePassed,
    "57014": ports.DeadlinePassed,  # statement_timeout
    "55P03": ports.LockTimeout,
    "25006": ports.Unavailable,  # read-only: the old writer after a failover
    "25P03": ports.Unavailable,
}
_UNAVAILABLE_CLASSES = ("08", "53", "57P", "58")
_BY_CONSTRAINT: Mapping[str, type[ports.StoreError]] = {
    "idempotency_key": ports.DuplicateRequest,
    "bookings_reference_key": ports.ReferenceTaken,
    "bookings_pkey": ports.Conflict,  # this booking was committed before; its answer was lost
}


@dataclass(frozen=True, slots=True)
class Call:
    """One named statement with its parameters."""

    name: str
    params: Params


def translate(error: psycopg.Error) -> Exception:
    """The port's error for a database error; the error itself if it is a defect of the code."""
    state = error.sqlstate or ""
    constraint = error.diag.constraint_name
    if state == "23505" and constraint is not None and constraint in _BY_CONSTRAINT:
        return _BY_CONSTRAINT[constraint]()
    if state in _BY_SQLSTATE:
        return _BY_SQLSTATE[state](state)
    lost = not state and isinstance(error, errors.OperationalError)
    if lost or state.startswith(_UNAVAILABLE_CLASSES):
        return ports.Unavailable(state or "connection lost")
    return error


#: Runs statements of an open transaction; the last ones of it, if it commits.
type Run = Callable[[Sequence[Call]], list[Rows]]


@dataclass(frozen=True, slots=True)
class Session:
    """An open transaction. ``rows``: of its first statements; ``read`` goes on, ``commit`` ends it."""

    rows: list[Rows]
    read: Run
    commit: Run


class Database:
    """Runs named statements. ``connect`` must give a connection in autocommit mode (see connection.py)."""

    def __init__(
        self, connect: Callable[[], PlainConnection], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._connect = connect
        self._outage = Outage(monotonic)
        self._conn: PlainConnection | None = None
        self._in_session = False
        self.round_trips = 0
        self.events_lost = 0

    def close(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    def read(self, name: str, params: Params, budget_ms: int | None = None) -> Rows:
        """Run one reading statement. A kept connection that has died is replaced once."""
        return self._begin([Call(name, params)], budget_ms, commit=True)[0]

    def read_all(self, calls: Sequence[Call], budget_ms: int | None = None) -> list[Rows]:
        """As `read`, several statements in one transaction; each must bear being run twice."""
        return self._begin(calls, budget_ms, commit=True)

    def read_at_once(
        self, calls: Sequence[Call], budget_ms: int | None = None, before: Call | None = None
    ) -> list[Rows]:
        """As `read_all`, but all statements see the database as it was at one moment, and none writes.

        ``before``: may write, in a transaction of its own on the same way; its rows come first.
        """
        return self._begin(calls, budget_ms, commit=True, begin=_BEGIN_AT_ONE_MOMENT, before=before)

    def transact(self, calls: Sequence[Call], budget_ms: int | None = None) -> list[Rows]:
        """All of ``calls`` in one transaction and one round trip, or none of them."""
        self._refuse_in_session()
        return self._pipeline(self._live(), calls, budget_ms, begin=_BEGIN, commit=True)

    @contextmanager
    def session(self, calls: Sequence[Call], budget_ms: int | None) -> Iterator[Session]:
        """Begin with ``calls`` and leave the transaction open. Rolls back if it is not committed.

        Until then every other call of this object is refused: it would commit the session's locks away.
        """
        rows = self._begin(calls, budget_ms, commit=False)
        conn = self._live()
        self._in_session = True
        try:
            yield Session(
                rows,
                read=lambda more: self._pipeline(conn, more, budget_ms, begin=None, commit=False),
                commit=lambda more: self._pipeline(conn, more, budget_ms, begin=None, commit=True),
            )
        finally:
            self._in_session = False
            self._abandon()

    def _refuse_in_session(self) -> None:
        if self._in_session:
            raise RuntimeError("a session is open on this connection; use its read and commit")

    def _begin(
        self,
        calls: Sequence[Call],
        budget_ms: int | None,
        *,
        commit: bool,
        begin: bytes = _BEGIN,
        before: Call | None = None,
    ) -> list[Rows]:
        self._refuse_in_session()
        kept = self._conn is not None
        try:
            return self._pipeline(self._live(), calls, budget_ms, begin=begin, commit=commit, before=before)
        except ports.Unavailable:
            if not kept or self._conn is not None:  # a new connection would not fare better
                raise
            return self._pipeline(self._live(), calls, budget_ms, begin=begin, commit=commit, before=before)

    def _pipeline(
        self,
        conn: PlainConnection,
        calls: Sequence[Call],
        budget_ms: int | None,
        *,
        begin: bytes | None,
        commit: bool,
        before: Call | None = None,
    ) -> list[Rows]:
        self.round_trips += 1
        cursors: list[psycopg.Cursor[tuple[Any, ...]]] = []
        try:
            with conn.pipeline():
                if before is not None:
                    _begin(conn, _BEGIN, budget_ms)
                    cursors.append(_execute(conn, before))
                    conn.execute(b"commit")
                if begin is not None:
                    _begin(conn, begin, budget_ms)
                for call in calls:
                    if cursors and budget_ms is not None:
                        _limit(conn, "cut_limit", budget_ms)
                    cursors.append(_execute(conn, call))
                if commit:
                    self._commit(conn, budget_ms)
            return [cursor.fetchall() if cursor.description else [] for cursor in cursors]
        except psycopg.Error as error:
            self._fail(error)
        finally:
            if commit:
                self._in_session = False
                self._abandon()

    def _commit(self, conn: PlainConnection, budget_ms: int | None) -> None:
        if budget_ms is not None:
            _limit(conn, "cut_limit", budget_ms)
            conn.execute(load_statements()["check_now"])
            _limit(conn, "finish_in_time", budget_ms)
        conn.execute(b"commit")

    def _fail(self, error: psycopg.Error) -> NoReturn:
        # The server's detail quotes the failing row with the guest's data, which must not reach a log.
        error.args = (error.diag.message_primary or type(error).__name__,)
        self._abandon()
        raise translate(error) from error

    def _abandon(self) -> None:
        """Close any open transaction, and forget a connection that can no longer be used."""
        conn = self._conn
        if conn is None:
            return
        if conn.closed or conn.broken:
            self._conn = None
            return
        if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            try:
                self.round_trips += 1
                conn.rollback()
            except psycopg.Error:
                self.close()

    def _live(self) -> PlainConnection:
        if self._conn is None or self._conn.closed:
            self._outage.check()
            try:
                self._conn = self._connect()
            except psycopg.Error as error:
                self._outage.failed()
                raise ports.Unavailable("cannot connect") from error
            self._outage.over()
            self._conn.add_notice_handler(self._noticed)
        return self._conn

    def _noticed(self, notice: psycopg.errors.Diagnostic) -> None:
        """Count the events that `record_events` could not store. The unit of work goes on without them."""
        if notice.sqlstate == "MTE01":
            self.events_lost += int(notice.message_detail or 1)
            logger.error("events were not written: %s", notice.message_primary)


def _begin(conn: PlainConnection, begin: bytes, budget_ms: int | None) -> None:
    conn.execute(begin)
    if budget_ms is not None:
        _limit(conn, "set_limits", budget_ms)


def _execute(conn: PlainConnection, call: Call) -> psycopg.Cursor[tuple[Any, ...]]:
    return conn.execute(load_statements()[call.name], call.params)


def _limit(conn: PlainConnection, name: str, budget_ms: int) -> None:
    conn.execute(load_statements()[name], {"budget_ms": max(1, budget_ms)})
