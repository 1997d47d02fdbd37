"""Operate a stack: look into it, repair what failed, check the bookings, put load on it."""

import argparse
import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from ops.dead_letters import QUEUES
from ops.reports import FORMATS

_MOST_RATE, _MOST_CALLERS, _MOST = 200.0, 64, 100_000


def main(arguments: Sequence[str]) -> int:
    """Run one command: 0 if all is well, 1 if something is wrong, 2 if it cannot be carried out."""
    chosen = parser().parse_args(arguments)
    from ops.commands import run  # noqa: PLC0415 - loads AWS's clients and rich; --help needs neither

    return run(chosen)


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments; ``run`` is the command's name in ``ops.commands.COMMANDS``."""
    whole = argparse.ArgumentParser(prog="make ops ARGS=…", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    _add(commands, "outputs", "Print where the API, the queues and the logs are.")
    _add_dead_letters(_group(commands, "dlq", "dead-letter queues"))
    one = _add(commands, "process", "Run the background job for one booking now.")
    one.add_argument("booking", type=id_or_reference, help="the booking's id, or its reference")
    _add(commands, "sweep", "Do what the schedule does every minute: send the outbox, free stuck bookings.")
    _add_outbox(_group(commands, "outbox", "messages that were not sent"))
    _add_check(commands)
    _add_reports(commands)
    _add_load(commands, "load", "a steady rate", (200, 5.0, 4), rising=False)
    _add_load(commands, "stress", "a rate that rises until the end", (2000, 50.0, 16), rising=True)
    return whole


def _add_dead_letters(group: Any) -> None:
    show = _add(group, "dlq show", "List the dead letters and why each is there, one JSON object a line.")
    redrive = _add(group, "dlq redrive", "Send dead letters to their queues again; safe to repeat.")
    discard = _add(group, "dlq discard", "Delete one dead letter and print it; keep it with the incident.")
    for each in (show, redrive):
        each.add_argument("--queue", choices=list(QUEUES), help="only this queue")
    redrive.add_argument("--per-second", type=_between(0.1, _MOST_RATE), default=5.0)
    discard.add_argument("--id", required=True, help="the id that dlq show prints")
    discard.add_argument("--reason", required=True, type=_reason)
    for each in (show, redrive, discard):
        _add_limit(each)
    _add_yes(redrive)


def _add_outbox(group: Any) -> None:
    dead = _add(group, "outbox dead", "List the outbox rows that the relay gave up, one JSON object a line.")
    redrive = _add(group, "outbox redrive", "Make dead outbox rows due again; the relay sends them.")
    for each in (dead, redrive):
        _add_limit(each)
    _add_yes(redrive)


def _add_check(commands: Any) -> None:
    check = _add(commands, "check", "Check every invariant of the bookings; exit code 1 if one is broken.")
    check.add_argument("--days", type=_whole(1, 400), default=30, help="days of events to check (30)")
    check.add_argument(
        "--patience", type=_whole(0, 86_400), default=300, help="seconds until work counts as overdue (300)"
    )


def _add_reports(commands: Any) -> None:
    report = _add(commands, "report", "Report how assignment is doing: one report, or two side by side.")
    report.add_argument("--compare", nargs=2, type=_edges, metavar="FROM..TO", help="compare two times")
    report.add_argument("--versus", metavar="RESTAURANT", help="compare with another restaurant")
    report.add_argument(
        "--cohort",
        nargs="+",
        metavar="FLAG=VALUE",
        help="only what ran while the flag had this value; give two to compare them "
        "(assignment_pipeline=on assignment_pipeline=off)",
    )
    report.add_argument("--format", choices=FORMATS, default="table", help="html: a page with charts")
    shadow = _add(commands, "shadow-report", "Report what the full planner would have changed.")
    for each in (report, shadow):
        each.add_argument("restaurant", help="the restaurant's id")
        each.add_argument(
            "--with",
            dest="others",
            nargs="+",
            default=[],
            metavar="RESTAURANT",
            help="add these restaurants' figures; * adds all",
        )
        each.add_argument("--from", dest="since", metavar="FROM", help="date or date-time (a week ago)")
        each.add_argument("--to", dest="until", metavar="TO", help="date, inclusive, or date-time (now)")


def _add_load(commands: Any, name: str, rate_is: str, usual: tuple[int, float, int], *, rising: bool) -> None:
    number, rate, concurrency = usual
    found = _add(commands, name, f"Book at a restaurant made for it, at {rate_is}.")
    found.add_argument(
        "--number", type=_whole(1, _MOST), default=number, help=f"how many bookings ({number})"
    )
    found.add_argument(
        "--rate", type=_between(0.1, _MOST_RATE), default=rate, help=f"bookings a second ({rate:g})"
    )
    found.add_argument(
        "--concurrency", type=_whole(1, _MOST_CALLERS), default=concurrency, help=f"clients ({concurrency})"
    )
    found.add_argument(
        "--yes-i-mean", metavar="STAGE", help="required for a deployed stage: repeat the stage's name"
    )
    found.set_defaults(rising=rising)


def _group(commands: Any, name: str, description: str) -> Any:
    group = commands.add_parser(name, help=description, description=description)
    return group.add_subparsers(dest="part", required=True)


def _add(commands: Any, name: str, description: str) -> argparse.ArgumentParser:
    """``name``: the command's whole name; its last word is what this parser reads."""
    found: argparse.ArgumentParser = commands.add_parser(
        name.rsplit(maxsplit=1)[-1], help=description, description=description
    )
    found.add_argument("--stage", help="a deployed stage; without it, the stack running on MAITRED_HOME")
    found.set_defaults(run=name)
    return found


def _add_limit(found: argparse.ArgumentParser) -> None:
    found.add_argument("--limit", type=_whole(1, 1000), default=100, help="at most this many (100)")


def _add_yes(found: argparse.ArgumentParser) -> None:
    found.add_argument("--yes", action="store_true", help="do it; without it, only print what would be done")


def _between(least: float, most: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least:g} to {most:g}, not {text}")
        return value

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}, not {text}")
        return int(text)

    return read


def id_or_reference(text: str) -> str:
    """A booking's id, or its reference in capitals."""
    try:
        return str(UUID(text))
    except ValueError:
        if re.fullmatch(r"[A-Za-z0-9]{4,20}", text, re.ASCII):
            return text.upper()
        raise argparse.ArgumentTypeError(
            f"must be a booking's id or its reference, such as K7QX2M, not {text}"
        ) from None


def _edges(text: str) -> tuple[str, str]:
    since, dots, until = text.partition("..")
    if not (since and dots and until):
        raise argparse.ArgumentTypeError(f"must be FROM..TO, not {text}")
    return since, until


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text.strip()
