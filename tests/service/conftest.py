"""The service on a database of its own, with a restaurant to book."""

from collections.abc import Iterator

import pytest

from tests.harness.databases import TestDatabase
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
