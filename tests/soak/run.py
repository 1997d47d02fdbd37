"""Clients, workers and faults on one database, then quiet, then the count."""

import multiprocessing
import os
import queue
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from unittest.mock import patch

from maitred.services.upkeep.checks import Check
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.soak.client import Report, lay_out, play
from tests.soak.faulty_queue import FaultyQueue, QueueServer
from tests.soak.sandbox import Place, keep_house, work
from tests.soak.verdict import judge

HURRY = 20.0  # delays of minutes pass in seconds
_TICK_SECONDS = 0.25
_GOODBYE_SECONDS = 10.0
_FEW = 20  # a twentieth of the operations: so many messages are left when the faults end
_OPERATIONS_A_DAY = 300  # so that houses are full enough for refusals, waiting and moves
_OPEN = """
select (select count(*) from bookings
        where state in ('created', 'assignment_pending', 'assignment_in_progress')),
       (select count(*) from outbox where sent_at is null and dead_at is null),
       (select count(*) from notifications where state in ('pending', 'claimed'))"""
_VICTIMS = "select pid from pg_stat_activity where datname = %s and usename = %s"

type Told = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """``operations``: of all clients. ``cut`` and ``kill``: seconds between two faults of a kind.

    ``patience``: seconds until everything must have ended once nobody asks any more.
    """

    operations: int
    clients: int = 16
    workers: int = 4
    seed: int = 1
    cut: float = 0.5
    kill: float = 3.0
    patience: float = 300.0


@dataclass(slots=True)
class Outcome:
    """What came of it. ``faults``: how many of each kind there were."""

    reports: list[Report]
    faults: Counter[str]
    seconds: float
    settled_in: float
    states: Counter[str]
    checks: list[Check]

    @property
    def sound(self) -> bool:
        return not any(check.wrong for check in self.checks)


@dataclass(slots=True)
class _Crew:
    """The processes of a run."""

    context: ForkServerContext
    place: Place
    workers: list[ForkServerProcess] = field(default_factory=list)
    others: list[ForkServerProcess] = field(default_factory=list)

    def start(self, target: Callable[..., None], *arguments: object) -> ForkServerProcess:
        process = self.context.Process(target=target, args=(self.place, *arguments), daemon=True)
        process.start()
        self.others.append(process)
        return process

    def hire(self) -> None:
        worker = self.context.Process(target=work, args=(self.place,), daemon=True)
        worker.start()
        self.workers.append(worker)

    def kill_one(self, chance: random.Random) -> None:
        """Without a warning, and another one takes its place."""
        victim = self.workers.pop(chance.randrange(len(self.workers)))
        victim.kill()
        victim.join()
        self.hire()

    def end(self) -> None:
        self.place.closed.touch()
        deadline = time.monotonic() + _GOODBYE_SECONDS
        for process in (*self.workers, *self.others):
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()


def soak(database: TestDatabase, folder: Path, plan: Plan, recorded: Told, settling: Told) -> Outcome:
    """Run ``plan``; ``told`` and ``settling`` hear how far it is."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.soak.preload"])
    server = QueueServer(ctx=context)
    with patch.dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)):  # the fork server is not told it
        server.start()
    with server:
        messages: FaultyQueue = server.FaultyQueue(plan.seed, HURRY)  # type: ignore[attr-defined]
        place = Place(database.port, database.name, messages, folder / "mails", folder / "closed")
        place.mails.touch()
        with _crew(context, place, plan) as crew:
            began = time.monotonic()
            chaos = _Chaos(crew, database, plan)
            reports = _play(crew, chaos, plan, recorded)
            played = time.monotonic()
            _catch_up(messages, chaos, plan, settling)
            messages.behave()
            left = _settle(database, messages, plan.patience, settling)
            settled = time.monotonic()
        faults = chaos.done + messages.counts()
    checks = judge(database, reports, place.mails.read_text(encoding="utf-8").split(), left)
    states = Counter(dict(database.query("select state, count(*) from bookings group by 1")))
    return Outcome(reports, faults, played - began, settled - played, states, checks)


@contextmanager
def _crew(context: ForkServerContext, place: Place, plan: Plan) -> Iterator[_Crew]:
    crew = _Crew(context, place)
    try:
        opening = crew.start(lay_out)
        opening.join()
        if opening.exitcode:
            raise RuntimeError("the restaurants could not be laid out")
        crew.start(keep_house)
        for _ in range(plan.workers):
            crew.hire()
        yield crew
    finally:
        crew.end()


class _Chaos:
    """Kills a connection, or a worker, whenever it is time for one."""

    def __init__(self, crew: _Crew, database: TestDatabase, plan: Plan) -> None:
        self._crew = crew
        self._database = database
        self._plan = plan
        self._chance = random.Random(plan.seed)  # noqa: S311 - repeatable on purpose
        self._next_cut = self._next_kill = time.monotonic()
        self.done: Counter[str] = Counter()

    def strike(self) -> None:
        now = time.monotonic()
        if now >= self._next_cut:
            self._next_cut = now + self._plan.cut
            self.done["connections killed"] += _cut(self._database, self._chance)
        if now >= self._next_kill:
            self._next_kill = now + self._plan.kill
            self._crew.kill_one(self._chance)
            self.done["workers killed"] += 1


def _play(crew: _Crew, chaos: _Chaos, plan: Plan, recorded: Told) -> list[Report]:
    """Let the clients ask, with faults all the while, until each has reported."""
    results = crew.context.Queue()
    days = max(2, plan.operations // _OPERATIONS_A_DAY)
    clients = [
        crew.start(play, plan.seed * 1000 + number, share, days, results)
        for number, share in enumerate(_shares(plan.operations, plan.clients))
    ]
    reports: list[Report] = []
    done = 0
    while len(reports) < plan.clients:
        for result in _waiting(results):
            if result is None:
                done += 1
            else:
                reports.append(result)
        recorded(done, plan.operations, ", ".join(f"{count} {kind}" for kind, count in chaos.done.items()))
        chaos.strike()
        if any(client.exitcode for client in clients):
            raise RuntimeError("a client broke")
    return reports


def _catch_up(messages: FaultyQueue, chaos: _Chaos, plan: Plan, recorded: Told) -> None:
    """The workers lag behind the clients: their messages meet the faults too, but for the last few."""
    deadline, most = time.monotonic() + plan.patience, 0
    while (depth := messages.depth()) > plan.operations // _FEW and time.monotonic() < deadline:
        most = max(most, depth)
        recorded(most - depth, most, "messages, with faults")
        chaos.strike()
        time.sleep(_TICK_SECONDS)


def _shares(operations: int, clients: int) -> Sequence[int]:
    return [operations // clients + (number < operations % clients) for number in range(clients)]


def _waiting(results: "multiprocessing.queues.Queue[Report | None]") -> Iterator[Report | None]:
    """What has come in, and what comes in within a moment."""
    until = time.monotonic() + _TICK_SECONDS
    while (left := until - time.monotonic()) > 0:
        try:
            yield results.get(timeout=left)
        except queue.Empty:
            return


def _cut(database: TestDatabase, chance: random.Random) -> int:
    """Kill one connection of the application's, whatever it is doing."""
    with database.connect() as owner:
        victims = [pid for (pid,) in owner.execute(_VICTIMS, [database.name, APPLICATION_ROLE])]
        if not victims:
            return 0
        owner.execute("select pg_terminate_backend(%s)", [chance.choice(sorted(victims))])
        return 1


def _settle(database: TestDatabase, messages: FaultyQueue, patience: float, recorded: Told) -> int:
    """Until nothing is under way any more; what is still open after ``patience`` seconds."""
    # What those who were killed had claimed is theirs for a minute; nobody waits for that here.
    database.query("update outbox set claimed_until = '-infinity' where sent_at is null")
    database.query(
        "update notifications set claimed_at = claimed_at - interval '1 minute' where state = 'claimed'"
    )
    deadline, most = time.monotonic() + patience, 0
    while True:
        messages.redrive()
        [(bookings, rows, letters)] = database.query(_OPEN)
        depth = messages.depth()
        left = int(bookings + rows + letters + depth)
        most = max(most, left)
        recorded(
            most - left, most, f"{bookings} bookings, {rows} outbox rows, {letters} letters, {depth} messages"
        )
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(_TICK_SECONDS)
