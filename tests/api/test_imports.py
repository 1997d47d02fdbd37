"""What a cold start loads: each function only what its own work needs, AWS's clients only who must send."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.events import http_event
from tests.harness.service import Service, party

ROOT = Path(__file__).parents[2]
# Heavy, or useful only where something is traced, tested, or left undecided by the planner.
NEVER = frozenset({"aws_xray_sdk", "highspy", "moto", "numpy", "requests", "responses"})
OF_OTHERS = {
    "AWS's clients": {"boto3", "botocore.client", "botocore.session", "botocore.loaders"},
    "http": {"maitred.entrypoints.http", "aws_lambda_powertools.event_handler"},
    "guests": {
        "maitred.entrypoints.bookings",
        "maitred.services.booking.create",
        "maitred.services.booking.inline",
    },
    "operators": {
        "maitred.entrypoints.operations",
        "maitred.services.staff.restaurants",
        "maitred.adapters.postgres.restaurants",
    },
    "floor documents": {"maitred.contracts.floor_document"},
    "job": {"maitred.services.job.worker", "maitred.services.job.retry_policy"},
    "planner": {"maitred.planner.answer.quote", "maitred.services.assignment.planning"},
    "mail": {
        "maitred.adapters.mail",
        "maitred.services.messaging.notify",
        "maitred.services.messaging.mail.email",
        "email.message",
    },
    "maintenance": {"maitred.services.upkeep.maintain", "maitred.adapters.postgres.maintenance"},
    "migrations": {"maitred.adapters.postgres.migrator"},
    "batches": {"aws_lambda_powertools.utilities.batch"},
}
# Not listed: what a function does need. An HTTP function's toolkit brings e-mail's message class with it.
FORBIDDEN = {
    # With AWS's clients: a guest who must wait should not pay for loading them (docs/decisions.md).
    "bookings": [
        "operators",
        "floor documents",
        "job",
        "maintenance",
        "migrations",
        "batches",
    ],
    "operations": ["AWS's clients", "guests", "job", "maintenance", "migrations", "batches"],
    "assign": ["http", "guests", "operators", "floor documents", "maintenance", "migrations"],
    "relay": [
        "http",
        "guests",
        "operators",
        "floor documents",
        "job",
        "planner",
        "maintenance",
        "migrations",
        "batches",
    ],
    "optimize": ["guests", "operators", "floor documents", "job", "maintenance", "migrations"],
    "notify": [
        "http",
        "guests",
        "operators",
        "floor documents",
        "job",
        "planner",
        "maintenance",
        "migrations",
    ],
    "maintain": [
        "AWS's clients",
        "http",
        "guests",
        "operators",
        "floor documents",
        "migrations",
        "batches",
    ],
}
WIRED = """
import importlib, json, sys
name = sys.argv[1]
importlib.import_module(f"functions.{name}.app")
importlib.import_module(f"maitred.bootstrap.{name}").services()
print("LOADED" + json.dumps(sorted(sys.modules)))
"""
BOOKED = """
import json, sys
from functions.bookings import app
from tests.harness.events import LambdaContext
answer = app.handler(json.loads(sys.argv[1]), LambdaContext())
print("ANSWER" + answer["body"])
print("LOADED" + json.dumps(sorted(sys.modules)))
"""


def lines_of(script: str, argument: str) -> list[str]:
    """Run in a Python of its own, with the layer and the functions on its path."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'layers' / 'shared'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", script, argument]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def marked(lines: list[str], mark: str) -> str:
    [line] = [line for line in lines if line.startswith(mark)]
    return line.removeprefix(mark)


def assert_lean(function: str, loaded: set[str]) -> None:
    assert not loaded & NEVER
    for group in FORBIDDEN[function]:
        assert not loaded & OF_OTHERS[group], f"{function} loads what is for {group}"


def test_every_module_that_is_forbidden_somewhere_exists() -> None:
    """A module that was renamed would be forbidden to nobody."""
    names = NEVER.union(*OF_OTHERS.values())
    assert [name for name in sorted(names) if importlib.util.find_spec(name) is None] == []


@pytest.mark.parametrize("function", FORBIDDEN)
def test_a_function_loads_what_it_needs(running: Service, function: str) -> None:
    assert_lean(function, set(json.loads(marked(lines_of(WIRED, function), "LOADED"))))


def test_a_confirmed_booking_loads_nothing_of_others(shared: Service) -> None:
    event = json.dumps(http_event("POST", "/restaurants/harbour/bookings", body=party(2)))
    lines = lines_of(BOOKED, event)
    assert json.loads(marked(lines, "ANSWER"))["booking"]["status"] == "confirmed"
    loaded = set(json.loads(marked(lines, "LOADED")))
    assert_lean("bookings", loaded)
    assert not loaded & OF_OTHERS["mail"] - {"email.message"}
