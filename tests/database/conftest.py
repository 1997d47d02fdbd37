"""The owner's connection to a database of the test's own, with one restaurant."""

from collections.abc import Iterator

import pytest

from tests.harness.databases import TestDatabase
from tests.harness.rows import Connection, add_restaurant


@pytest.fixture
def conn(database: TestDatabase) -> Iterator[Connection]:
    """Restaurant ``harbour``: T1 for 2, T2 for 4."""
    with database.connect() as conn:
        add_restaurant(conn)
        yield conn
