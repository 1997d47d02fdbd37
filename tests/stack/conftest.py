"""The whole product on a local stack: real sandboxes, real queues, the template's settings."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from localstack.stack import LocalStack, Options
from tests.harness.vocabulary import check_events_of, check_metric
from tests.stack.guest import Guest
from tests.telemetry.evening import figures


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    home: Path = tmp_path_factory.mktemp("stack")
    with LocalStack(home, options=Options(durable=False, schedules=False)) as running:
        yield running
        with psycopg.connect(running.dsn, autocommit=True) as owner:
            assert check_events_of(owner) == []
        for log in (home / "logs").glob("*Function.log"):
            for (name, dimensions), unit, _ in figures(log.read_text()):
                given = dict(dimensions)
                check_metric(name, unit.lower(), given.pop("service"), given)


@pytest.fixture
def guest(stack: LocalStack, request: pytest.FixtureRequest) -> Guest:
    """A client with a restaurant of its own, named after the test."""
    restaurant = "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
    client = Guest(stack, restaurant)
    client.put_house(2, 4)
    return client
