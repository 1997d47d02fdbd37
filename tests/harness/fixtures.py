"""Fixtures of the tests that go through the true handlers; a conftest imports the ones it offers."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from localstack.postgres import PostgresServer
from tests.harness.databases import TEMPLATE, TestDatabase
from tests.harness.problems import tables_of
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
def running(postgres: PostgresServer) -> Iterator[Service]:
    """One service for a whole module."""
    name = f"t_{uuid4().hex}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
        owner.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
        with (
            pytest.MonkeyPatch.context() as patch,
            running_service(TestDatabase(postgres, name), patch) as service,
        ):
            yield service
        assert check_stored(service.database) == []
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def shared(running: Service) -> Service:
    """With ``harbour``: for calls that must not write, or need not be alone."""
    assert running.put_restaurant("harbour", house(2, 2, 4)).status == 201
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
    for name, url in running.queues.items():
        running.sqs.delete_queue(QueueUrl=url)
        running.sqs.create_queue(QueueName=name)


def empty_database(running: Service) -> None:
    """Empty tables, and no sandbox that remembers."""
    forget_wiring()
    tables = sql.SQL(", ").join(sql.Identifier(table) for table in tables_of(running.database))
    with running.database.connect() as owner:
        owner.execute(sql.SQL("truncate {} restart identity").format(tables))
