"""The operator's commands. Each returns its exit code: 0 if all is well, 1 if something is wrong."""

import argparse
import json
import sys
from collections.abc import Callable, Mapping

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from maitred.services.upkeep.checks import Check
from ops import dead_letters, load, reports
from ops.bookings import booking_id
from ops.checks import print_checks
from ops.connect import local_target, stage_target
from ops.percentiles import percentiles
from ops.progress import progress
from ops.target import OpsError, Target

FAILED, WRONG = 2, 1
_SIDE_BY_SIDE = 2

type Command = Callable[[Target, argparse.Namespace, Console], int]


def run(chosen: argparse.Namespace) -> int:
    """Run the chosen command; 2 if it cannot be carried out."""
    console = Console(soft_wrap=True, highlight=False)
    try:
        target = stage_target(chosen.stage) if chosen.stage else local_target()
        return COMMANDS[chosen.run](target, chosen, console)
    except (OpsError, BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def outputs(target: Target, _chosen: argparse.Namespace, console: Console) -> int:
    for name, value in sorted(target.outputs.items()):
        console.print(f"{name:32} {value}")
    return 0


def dlq_show(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    letters = _letters(target, chosen)
    dead_letters.put_back(target, letters)
    for letter in letters:
        print(json.dumps(letter.shown()))
    console.print(f"{len(letters)} dead letters", style="dim")
    return 0


def dlq_redrive(target: Target, chosen: argparse.Namespace, console: Console) -> int:
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
    letter, others = dead_letters.find(target, chosen.id, chosen.limit)
    dead_letters.put_back(target, others)
    dead_letters.delete(target, letter)
    print(json.dumps({"discarded": letter.shown(), "because": chosen.reason}))
    console.print("discarded", style="dim")
    return 0


def process(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    with load.Caller(target) as caller:
        body = {"bookingId": booking_id(caller, chosen.booking), "trigger": "retry"}
        status, answer = caller.call("POST", "/assignments/process", body)
    console.print(f"{status} {json.dumps(answer)}")
    return 0 if status.startswith("2") else WRONG


def sweep(target: Target, _chosen: argparse.Namespace, console: Console) -> int:
    for function in ("RelayFunction", "MaintainFunction"):
        console.print(f"{function}: {json.dumps(target.invoke(function, {}))}")
    return 0


def outbox_dead(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    rows = target.invoke("MaintainFunction", {"task": "deadOutbox", "limit": chosen.limit})["dead"]
    for row in rows:
        print(json.dumps(row))
    console.print(f"{len(rows)} dead rows", style="dim")
    return 0


def outbox_redrive(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    if not chosen.yes:
        rows = target.invoke("MaintainFunction", {"task": "deadOutbox", "limit": chosen.limit})["dead"]
        console.print(f"would make {len(rows)} rows due again; add --yes to do it")
        return 0
    answer = target.invoke("MaintainFunction", {"task": "reviveOutbox", "limit": chosen.limit})
    console.print(f"{answer['revived']} rows are due again")
    return 0


def check(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    event = {"task": "check", "days": chosen.days, "patienceSeconds": chosen.patience}
    found = [Check(**each) for each in target.invoke("MaintainFunction", event)["checks"]]
    print_checks(console, found)
    for each in found:
        for example in each.examples:
            console.print(f"{each.name}: {example}")
    return WRONG if any(each.wrong for each in found) else 0


def report(target: Target, chosen: argparse.Namespace, _console: Console) -> int:
    """One report, or two times, two restaurants or two cohorts side by side."""
    times = chosen.compare or [(chosen.since, chosen.until)]
    restaurants = [chosen.restaurant, *([chosen.versus] if chosen.versus else [])]
    cohorts = chosen.cohort or [None]
    queries = [
        reports.Query(name, edges, chosen.others, cohort)
        for name in restaurants
        for edges in times
        for cohort in cohorts
    ]
    if len(queries) > _SIDE_BY_SIDE:
        raise OpsError("give only one comparison: two times, two restaurants or two cohorts")
    print(reports.as_text(chosen.format, [reports.fetch(target, each) for each in queries]))
    return 0


def shadow_report(target: Target, chosen: argparse.Namespace, _console: Console) -> int:
    query = reports.Query(chosen.restaurant, (chosen.since, chosen.until), chosen.others)
    print(reports.shadow_text(reports.fetch(target, query)))
    return 0


def put_load(target: Target, chosen: argparse.Namespace, console: Console) -> int:
    """Book at a bounded rate; 1 if the server answered with an error other than 503, or not at all."""
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
    shed = "503"  # the server refused early and said when to come back
    failed = [each for each in tally.statuses if not each.isdigit() or (each > "499" and each != shed)]
    return WRONG if failed else 0


def _letters(target: Target, chosen: argparse.Namespace) -> list[dead_letters.DeadLetter]:
    queues = [chosen.queue] if chosen.queue else list(dead_letters.QUEUES)
    return [letter for queue in queues for letter in dead_letters.look(target, queue, chosen.limit)]


def _counts(statuses: dict[str, int]) -> str:
    return ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))


#: By the name that the parser in ``ops.cli`` gives each command.
COMMANDS: Mapping[str, Command] = {
    "outputs": outputs,
    "dlq show": dlq_show,
    "dlq redrive": dlq_redrive,
    "dlq discard": dlq_discard,
    "process": process,
    "sweep": sweep,
    "outbox dead": outbox_dead,
    "outbox redrive": outbox_redrive,
    "check": check,
    "report": report,
    "shadow-report": shadow_report,
    "load": put_load,
    "stress": put_load,
}
