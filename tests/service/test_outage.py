"""A database that is away is left in peace, and served from once it is back."""

from typing import Any

import psycopg
import pytest

from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.outage import Outage
from maitred.services.ports import Unavailable
from tests.harness.service import Service, forget_wiring, party


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_database_that_is_away_is_not_hammered() -> None:
    watch, tried = Watch(), 0

    def connect() -> Any:
        nonlocal tried
        tried += 1
        raise psycopg.OperationalError("nobody there")

    database = Database(connect, watch)
    for _ in range(20):
        with pytest.raises(Unavailable):
            database.read("read_layout", {})
    assert tried == 3
    watch.seconds += 2
    for _ in range(20):
        with pytest.raises(Unavailable):
            database.read("read_layout", {})
    assert tried == 4


def test_one_login_that_works_ends_the_outage() -> None:
    watch = Watch()
    outage = Outage(watch)
    for _ in range(3):
        outage.check()
        outage.failed()
    with pytest.raises(Unavailable):
        outage.check()
    watch.seconds += 2
    outage.check()
    outage.over()
    outage.failed()
    outage.check()


def test_a_database_that_is_away_answers_503_and_serves_once_it_is_back(
    harbour: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = str(harbour.database.port)
    monkeypatch.setenv("DATABASE_PORT", "1")
    forget_wiring()
    for _ in range(6):
        answer = harbour.book("harbour", party(2))
        assert (answer.status, answer.json["code"]) == (503, "database_unavailable")
        assert int(answer.headers["retry-after"]) == 2
    monkeypatch.setenv("DATABASE_PORT", right)
    forget_wiring()
    assert harbour.book("harbour", party(2)).status == 201
