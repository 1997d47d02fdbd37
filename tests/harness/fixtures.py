"""Fixtures of the tests that go through the true handlers; a conftest imports the ones it offers."""

from collections.abc import Iterator

import pytest

from tests.harness.databases import CleanDatabases, TestDatabase
from tests.harness.service import Service, forget_wiring, house, running_service
from tests.harness.vocabulary import check_stored


@pytest.fixture
def service(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(database, monkeypatch) as running:
        yield running


@pytest.fixture
def harbour(service: Service) -> Service:
    """The restaurant ``harbour`` with tables for 2, 2 and 4."""
    assert service.put_restaurant("harbour", house(2, 2, 4)).status == 201
    return service


@pytest.fixture
def four_top(service: Service) -> Service:
    """The restaurant ``harbour`` with one table for four."""
    assert service.put_restaurant("harbour", house(4)).status == 201
    return service


@pytest.fixture(scope="module")
def running(databases: CleanDatabases) -> Iterator[Service]:
    """One service for a whole module."""
    database = databases.take()
    with pytest.MonkeyPatch.context() as patch, running_service(database, patch) as service:
        yield service
    undefined = check_stored(database)
    databases.give_back(database)
    assert undefined == []


@pytest.fixture(scope="module")
def shared(running: Service) -> Service:
    """With ``harbour``: for calls that must not write, or need not be alone.

    A module has either tests that share it or tests that empty it: they run in any order.
    """
    answer = running.put_restaurant("harbour", house(2, 2, 4))
    assert answer.status == 201, answer.text
    return running


@pytest.fixture
def emptied(running: Service) -> Iterator[Service]:
    """The module's service as if it were new."""
    empty(running)
    yield running
    assert check_stored(running.database) == []


def empty(running: Service) -> None:
    """Empty tables and queues, no sandbox that remembers."""
    empty_database(running)
    for url in running.queues.values():
        running.sqs.purge_queue(QueueUrl=url)


def empty_database(running: Service) -> None:
    """Empty tables, and no sandbox that remembers."""
    forget_wiring()
    running.database.empty()
