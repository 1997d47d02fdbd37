"""What the sandboxes write to their logs, the runtime's and the libraries' lines included."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack


def test_every_line_is_json_and_says_what_it_belongs_to(guest: Guest) -> None:
    """Six at once for two tables: some lose races, which psycopg has a word about."""
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: guest.book(2), range(6)))
    assert {status for status, _ in answers} == {201}
    waiting = "select count(*) from bookings where state in ('assignment_pending', 'assignment_in_progress')"
    eventually(lambda: guest.value(waiting) == 0, "everybody knows where they stand")
    guest.stack.invoke("RelayFunction", {})
    guest.stack.invoke("MaintainFunction", {})
    seen = 0
    for log in (guest.stack.home / "logs").glob("*Function.log"):
        if log.name == "MigrateFunction.log":  # belongs to a deployment, not to a request
            continue
        for line in log.read_text().splitlines():
            recorded = json.loads(line)
            assert recorded["correlation_id"], line
            seen += "level" in recorded
    assert seen > 20
