"""What every refusal must look like, and the proof that it left nothing behind."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.harness.databases import TestDatabase
from tests.harness.events import LambdaContext, http_event
from tests.harness.service import Answer, Service, answer_of, handler

_MEMBERS = {"type", "title", "status", "code", "detail", "correlationId"}
_LEAKS = re.compile(
    r"Traceback|\.py\", line|psycopg|pydantic|\bselect\b|\binsert into\b|\bconstraint\b|0x[0-9a-f]{6}"
)


_WITH_FIELDS = {"address_not_allowed", "invalid_request", "naive_timestamp", "rule_violated"}


def invoke(function: str, event: dict[str, Any]) -> Answer:
    """One invocation; what comes back must travel as JSON, as Lambda's runtime sends it."""
    answer = handler(function)(event, LambdaContext(function))
    json.dumps(answer, ensure_ascii=False).encode()
    found = answer_of(event, answer)
    assert "x-correlation-id" in found.headers
    return found


def call(function: str, method: str, path: str, **request: Any) -> Answer:
    return invoke(function, http_event(method, path, **request))


def assert_problem(answer: Answer, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """``field``: one that ``errors`` must name. Returns the problem document."""
    assert (answer.status, answer.json.get("code")) == (status, code), answer.text[:500]
    problem: dict[str, Any] = answer.json
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem.keys() >= _MEMBERS
    assert problem["status"] == status
    assert problem["correlationId"] == answer.headers["x-correlation-id"]
    assert all(isinstance(problem[member], str) and problem[member] for member in _MEMBERS - {"status"})
    assert not _LEAKS.search(answer.text), answer.text[:500]
    errors = problem.get("errors", [])
    assert all(error.keys() == {"field", "code", "message"} for error in errors)
    assert field is None or field in [error["field"] for error in errors], errors
    assert (code in _WITH_FIELDS) == bool(errors)
    if status == 503:
        assert int(answer.headers["retry-after"]) > 0
    return problem


def rows_of(database: TestDatabase) -> dict[str, int]:
    """How many rows each table has. What the limits count is no trace of a request that was refused."""
    tables = (table for table in database.tables() if table not in ("rate_limits", "attempts_in_flight"))
    counts = " union all ".join(f"select '{table}', count(*) from {table}" for table in tables)
    return dict(database.query(counts))


@contextmanager
def nothing_written(service: Service) -> Iterator[None]:
    before = rows_of(service.database)
    yield
    assert rows_of(service.database) == before
    assert service.messages("assign") == []
