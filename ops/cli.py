"""Operate a stack: look into it, mend what failed, check the book, put load on it."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from demo.progress import progress
from demo.report import print_checks
from demo.results import percentiles
from maitred.services.upkeep.checks import Check
from ops import dead_letters, load, reports
from ops.target import OpsError, Target, local_target, stage_target

_FAILED, _WRONG = 2, 1
_SIDE_BY_SIDE = 2
_MOST_RATE, _MOST_CALLERS, _MOST = 200.0, 64, 100_000

type Command = Callable[[Target, argparse.Namespace, Console], int]


def main(arguments: Sequence[str]) -> int:
    """Run one command: 0 if all is well, 1 if something is found wrong, 2 if it cannot be carried out."""
    chosen = _parser().parse_args(arguments)
    command: Command = chosen.run
    console = Console(soft_wrap=True, highlight=False)
    try:
        target = stage_target(chosen.stage) if chosen.stage else local_target()
        return command(target, chosen, console)
    except (OpsError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return _FAILED
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


# --- the commands ---------------------------------------------------------------------------------


def outputs(target: Target, _chosen: argparse.Namespace, console: Console) -> int:
    """Where the API, the queues and the logs are."""
    for name, value in sorted(target.outputs.items()):
        console.print(f"{name:32} {value}")
    return 0


def dlq_show(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """What lies in the dead-letter queues, and why; one JSON object a line."""
    letters = _letters(target, chosen)
    dead_letters.put_back(target, letters)
    for letter in letters:
        print(json.dumps(letter.told()))
    console.print(f"{len(letters)} dead letters", style="dim")
    return 0


def dlq_redrive(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Send dead letters to their queues again; safe at any time, any number of times."""
    letters = _letters(target, chosen)
    if not chosen.yes:
        dead_letters.put_back(target, letters)
        console.print(f"would send {len(letters)} again, {chosen.per_second:g} a second; add --yes to do it")
        return 0
    with progress(console, "redriving") as advance:
        dead_letters.redrive(
            target, letters, chosen.per_second, lambda done: advance(done, len(letters), "sent")
        )
    console.print(f"sent {len(letters)} again")
    return 0


def dlq_discard(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Throw one dead letter away. What it was and why it went is printed: keep it with the incident."""
    letter, others = dead_letters.find(target, chosen.id, chosen.limit)
    dead_letters.put_back(target, others)
    dead_letters.delete(target, letter)
    print(json.dumps({"discarded": letter.told(), "because": chosen.reason}))
    console.print("discarded", style="dim")
    return 0


def process(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Have the background job work on one booking, now."""
    with load.Caller(target) as caller:
        body = {"bookingId": str(chosen.booking), "trigger": "retry"}
        status, answer = caller.call("POST", "/assignments/process", body)
    console.print(f"{status} {json.dumps(answer)}")
    return 0 if status.startswith("2") else _WRONG


def sweep(target: Target, _chosen: argparse.Namespace, console: Console) -> int:
    """What the schedule does every minute, now: send the outbox, take stuck bookings back, prune."""
    for function in ("RelayFunction", "MaintainFunction"):
        console.print(f"{function}: {json.dumps(target.invoke(function, {}))}")
    return 0


def outbox_dead(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Outbox rows that the relay has given up; one JSON object a line."""
    rows = target.invoke("MaintainFunction", {"task": "deadOutbox", "limit": chosen.limit})["dead"]
    for row in rows:
        print(json.dumps(row))
    console.print(f"{len(rows)} dead rows", style="dim")
    return 0


def outbox_redrive(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Make dead outbox rows due again; the relay sends them within a minute, or at the next sweep."""
    if not chosen.yes:
        rows = target.invoke("MaintainFunction", {"task": "deadOutbox", "limit": chosen.limit})["dead"]
        console.print(f"would make {len(rows)} rows due again; add --yes to do it")
        return 0
    answer = target.invoke("MaintainFunction", {"task": "reviveOutbox", "limit": chosen.limit})
    console.print(f"{answer['revived']} rows are due again")
    return 0


def check(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Count every invariant of the book; 1 if one does not hold. Changes nothing."""
    event = {"task": "check", "days": chosen.days, "patienceSeconds": chosen.patience}
    found = [Check(**each) for each in target.invoke("MaintainFunction", event)["checks"]]
    print_checks(console, found)
    for each in found:
        for example in each.examples:
            console.print(f"{each.name}: {example}")
    return _WRONG if any(each.wrong for each in found) else 0


def report(target: Target, chosen: argparse.Namespace, _console: Console) -> int:
    """How assignment fares: of one time; or two times, restaurants or cohorts side by side."""
    times = chosen.compare or [(chosen.since, chosen.until)]
    restaurants = [chosen.restaurant, *([chosen.versus] if chosen.versus else [])]
    cohorts = chosen.cohort or [None]
    asked = [
        reports.Asked(name, edges, chosen.others, cohort)
        for name in restaurants
        for edges in times
        for cohort in cohorts
    ]
    if len(asked) > _SIDE_BY_SIDE:
        raise OpsError("compare two times, two restaurants or two cohorts, only one of these")
    print(reports.as_text(chosen.format, [reports.fetch(target, each) for each in asked]))
    return 0


def shadow_report(target: Target, chosen: argparse.Namespace, _console: Console) -> int:
    """What the full planner would have changed where the flag assignment_pipeline is shadow."""
    asked = reports.Asked(chosen.restaurant, (chosen.since, chosen.until), chosen.others)
    print(reports.shadow_text(reports.fetch(target, asked)))
    return 0


def put_load(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Bookings of a restaurant of its own, at a bounded rate. 1 if there was an error of the server's."""
    load.refuse_unless_meant(target, chosen.yes_i_mean)
    load.prepare(target)
    wanted = load.Load(chosen.number, chosen.rate, chosen.concurrency, chosen.rising)
    with progress(console, chosen.command) as advance:
        tally = load.run(
            target, wanted, lambda done, statuses: advance(done, wanted.number, _counts(statuses))
        )
    taken = percentiles(chosen.command, tally.milliseconds)
    console.print(f"statuses   {_counts(tally.statuses)}")
    console.print(f"latencies  P50 {taken.p50:.1f} ms, P95 {taken.p95:.1f} ms, P99 {taken.p99:.1f} ms")
    console.print(f"rate       {wanted.number / tally.seconds:.1f} a second, {tally.seconds:.1f} s")
    shed = {"503"}  # turned away with a time to come back
    broken = [status for status in tally.statuses if not status.isdigit() or status > "499"]
    return _WRONG if set(broken) - shed else 0


def _letters(target: Target, chosen: argparse.Namespace) -> list[dead_letters.DeadLetter]:
    queues = [chosen.queue] if chosen.queue else list(dead_letters.QUEUES)
    return [letter for queue in queues for letter in dead_letters.look(target, queue, chosen.limit)]


def _counts(statuses: dict[str, int]) -> str:
    return ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))


# --- how they are called --------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make ops ARGS=…", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add(commands, "outputs", outputs)
    letters = _group(commands, "dlq", "dead-letter queues")
    show = _add(letters, "show", dlq_show)
    again = _add(letters, "redrive", dlq_redrive)
    for each in (show, again):
        each.add_argument("--queue", choices=list(dead_letters.QUEUES), help="only this one")
    again.add_argument("--per-second", type=_between(0.1, _MOST_RATE), default=5.0)
    gone = _add(letters, "discard", dlq_discard)
    gone.add_argument("--id", required=True, help="as dlq show prints it")
    gone.add_argument("--reason", required=True, type=_said)
    one = _add(commands, "process", process)
    one.add_argument("booking", type=UUID, help="the booking's id")
    _add(commands, "sweep", sweep)
    rows = _group(commands, "outbox", "messages that have not left yet")
    dead = _add(rows, "dead", outbox_dead)
    revive = _add(rows, "redrive", outbox_redrive)
    for each in (show, again, gone, dead, revive):
        each.add_argument("--limit", type=_whole(1, 1000), default=100, help="look at so many (100)")
    for each in (again, revive):
        each.add_argument("--yes", action="store_true", help="do it; without it, only say what would be done")
    counted = _add(commands, "check", check)
    counted.add_argument(
        "--days", type=_whole(1, 400), default=30, help="how far back events are looked at (30)"
    )
    counted.add_argument(
        "--patience", type=_whole(0, 86_400), default=300, help="seconds until work is overdue (300)"
    )
    told = _add(commands, "report", report)
    told.add_argument("--compare", nargs=2, type=_edges, metavar="FROM..TO", help="two times side by side")
    told.add_argument(
        "--versus", metavar="RESTAURANT", help="another restaurant, such as one of another share"
    )
    told.add_argument(
        "--cohort",
        nargs="+",
        metavar="FLAG=VALUE",
        help="what ran while the flag had this value; two side by side (assignment_pipeline=on "
        "assignment_pipeline=off)",
    )
    told.add_argument("--format", choices=reports.FORMATS, default="table", help="html: a page with plots")
    for each in (told, _add(commands, "shadow-report", shadow_report)):
        each.add_argument("restaurant", help="its id")
        each.add_argument(
            "--with",
            dest="others",
            nargs="+",
            default=[],
            metavar="RESTAURANT",
            help="count together; *: all",
        )
        each.add_argument("--from", dest="since", metavar="FROM", help="date or date-time (a week ago)")
        each.add_argument("--to", dest="until", metavar="TO", help="date, included, or date-time (now)")
    _add_load(commands, "load", "a steady rate", (200, 5.0, 4), rising=False)
    _add_load(commands, "stress", "a rate that rises until the end", (2000, 50.0, 16), rising=True)
    return parser


def _group(commands: Any, name: str, words: str) -> Any:
    return commands.add_parser(name, help=words, description=words).add_subparsers(dest="part", required=True)


def _add(commands: Any, name: str, run: Command, words: str | None = None) -> argparse.ArgumentParser:
    words = words or run.__doc__
    found: argparse.ArgumentParser = commands.add_parser(name, help=words, description=words)
    found.add_argument("--stage", help="a deployed stage; without it, the stack that runs on MAITRED_HOME")
    found.set_defaults(run=run)
    return found


def _add_load(commands: Any, name: str, words: str, usual: tuple[int, float, int], *, rising: bool) -> None:
    number, rate, concurrency = usual
    found = _add(commands, name, put_load, f"Bookings of a restaurant of its own: {words}.")
    found.add_argument("--number", type=_whole(1, _MOST), default=number, help=f"of bookings ({number})")
    found.add_argument("--rate", type=_between(0.1, _MOST_RATE), default=rate, help=f"a second ({rate:g})")
    found.add_argument("--concurrency", type=_whole(1, _MOST_CALLERS), default=concurrency, help="callers")
    found.add_argument("--yes-i-mean", metavar="STAGE", help="needed for a deployed stage: its name again")
    found.set_defaults(rising=rising)


def _between(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"{text} is no whole number between {least} and {most}")
        return int(text)

    return read


def _edges(text: str) -> tuple[str, str]:
    since, dots, until = text.partition("..")
    if not (since and dots and until):
        raise argparse.ArgumentTypeError(f"{text} is not FROM..TO")
    return since, until


def _said(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("say why")
    return text.strip()
