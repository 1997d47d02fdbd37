"""``make demo``: play, settle, report, check."""

import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psycopg
from rich.console import Console

from demo import checks, evening, replay, report, results
from demo.client import ApiError, Client
from demo.look import demo_home
from demo.model import Answer, Document, Programme
from demo.player import MakeClient, Played, open_doors, play
from demo.reservations import DataError
from demo.settle import Open, settle
from demo.timeline import timeline
from localstack.home import Home
from localstack.stack import FAILURES, LocalStack, Options
from maitred.services.upkeep.checks import Check
from ops.checks import print_checks
from ops.progress import progress

CLIENTS = 4
BAD_DATA = 2
INTERRUPTED = 130
_PLAIN_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Choices:
    """``data``: reservations to play instead of the evening. ``bookings``: how many, None for the default."""

    data: Path | None = None
    bookings: int | None = None
    clients: int = CLIENTS


@dataclass(frozen=True, slots=True)
class _Shown:
    """The API's view at the end: bookings' states by id, reports on assignments by restaurant."""

    states: dict[str, str]
    reports: dict[str, Document]


def demo(choices: Choices) -> int:
    """Run the whole demo; return 0; 1 if anything is inconsistent or fails; 2 for a bad file."""
    console = _console()
    try:
        programme = _programme(choices)
    except DataError as error:
        print(error, file=sys.stderr)
        return BAD_DATA
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(console, programme, choices.clients)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except (ApiError, *FAILURES) as error:
        print(error, file=sys.stderr)
        return 1


def _programme(choices: Choices) -> Programme:
    if choices.data is not None:
        return replay.programme(choices.data, choices.bookings or replay.AT_LEAST)
    return evening.programme(choices.bookings or evening.BOOKINGS)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)


def _run(console: Console, programme: Programme, clients: int) -> int:
    home = demo_home()
    _empty(home)
    stack = LocalStack(home.path, options=Options(sandboxes=clients), say=console.print)
    try:
        stack.start()
        return 0 if _evening(console, programme, stack, clients) else 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not leave half of it running
            signal.signal(number, signal.SIG_IGN)
        stack.stop()


def _empty(home: Home) -> None:
    """Empty the home. Raises HomeBusyError while another demo is running there."""
    home.lock()
    try:
        for entry in home.path.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name != "lock":
                entry.unlink()
    finally:
        home.unlock()


def _evening(console: Console, programme: Programme, stack: LocalStack, clients: int) -> bool:
    """Play on a running stack and report; whether everything is consistent."""
    for line in programme.intro:
        console.print(line, highlight=False)
    token = stack.token(ttl_seconds=24 * 3600)

    def make_client() -> Client:
        return Client(stack.url, token)

    with make_client() as client:
        for restaurant in programme.restaurants:
            client.put_restaurant(restaurant.id, restaurant.document)
    for function, count in (("BookingsFunction", clients), ("AssignFunction", 1), ("NotifyFunction", 1)):
        stack.warm(function, count)
    open_doors(make_client, [each.id for each in programme.restaurants], clients)
    played = _play(console, programme, make_client, clients)
    _settle(console, stack)
    with make_client() as client:
        listed = {
            str(b["id"]): str(b["state"]) for each in programme.restaurants for b in client.bookings(each.id)
        }
        reports = {each.id: client.assignments(each.id) for each in programme.restaurants}
    found = _report(console, programme, stack, played, clients, _Shown(listed, reports))
    return not any(check.wrong for check in found)


def _play(console: Console, programme: Programme, make_client: MakeClient, clients: int) -> Played:
    counts: Counter[str] = Counter()
    lock = threading.Lock()
    with progress(console, "playing") as advance:

        def count(answer: Answer) -> None:
            with lock:
                counts[answer.outcome] += 1
                words = ", ".join(f"{outcome} {count}" for outcome, count in counts.most_common(4))
                advance(counts.total(), len(programme.steps), words)

        return play(programme.steps, make_client, clients, programme.rate, count)


def _settle(console: Console, stack: LocalStack) -> Open:
    most = 0
    with progress(console, "settling") as advance:

        def show(found: Open) -> None:
            nonlocal most
            most = max(most, found.total)
            advance(most - found.total, most, str(found))

        return settle(stack, show)


def _report(
    console: Console,
    programme: Programme,
    stack: LocalStack,
    played: Played,
    clients: int,
    shown: _Shown,
) -> Sequence[Check]:
    showing = programme.showing
    restaurant = next(each for each in programme.restaurants if each.id == showing.restaurant)
    with psycopg.connect(stack.dsn, autocommit=True) as database:
        stays = results.stays(database, showing)
        console.rule(f"{restaurant.document['name']}, {showing.day:%A %d %B %Y}")
        console.print(timeline(restaurant.tables, stays, showing, console.width))
        console.rule()
        report.print_outcomes(console, results.ended(database), results.refused(played.answers))
        report.print_durations(console, results.durations(played.answers), played, clients)
        found = [
            *checks.against_clients(database, played.answers, shown.states),
            *checks.in_database(database),
        ]
        found += [checks.of_reports(database, shown.reports), _parked(stack)]
    print_checks(console, found)
    interesting = next((stay for stay in stays if stay.state == "manual_review"), None)
    mails = sum(1 for _ in (stack.home / "mail").glob("*.eml"))
    report.print_where(console, stack.home, mails, interesting or next(iter(stays), None))
    return found


def _parked(stack: LocalStack) -> Check:
    parked = sum(stack.depth(name).total for name in ("AssignDeadLetterQueue", "NotificationDeadLetterQueue"))
    return Check("no message is in a dead-letter queue", 2, parked)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
