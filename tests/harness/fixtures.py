"""Fixtures of the tests that go through the true handlers; a conftest imports the ones it offers."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from local.postgres import PostgresServer
from tests.harness.databases import TEMPLATE, TestDatabase
from tests.harness.service import Service, house, running_service


@pytest.fixture
def service(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(database, monkeypatch) as running:
        yield running


@pytest.fixture
def harbour(service: Service) -> Service:
    """The restaurant ``harbour`` with tables for 2, 2 and 4."""
    assert service.put_restaurant("harbour", house(2, 2, 4)).status == 201
    return service


@pytest.fixture(scope="module")
def shared(postgres: PostgresServer) -> Iterator[Service]:
    """One service for a whole module, with ``harbour``: for calls that must not write, or need not be alone."""
    name = f"t_{uuid4().hex}"
    with psycopg.connect(postgres.dsn(), autocommit=True) as owner:
        owner.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(TEMPLATE))
        )
        with (
            pytest.MonkeyPatch.context() as patch,
            running_service(TestDatabase(postgres, name), patch) as running,
        ):
            assert running.put_restaurant("harbour", house(2, 2, 4)).status == 201
            yield running
        owner.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
