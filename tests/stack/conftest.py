"""The whole product on a local stack: real sandboxes, real queues, the template's settings."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.stack import LocalStack, Options
from tests.stack.guest import Guest


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    home: Path = tmp_path_factory.mktemp("stack")
    with LocalStack(home, options=Options(durable=False, schedules=False)) as running:
        yield running


@pytest.fixture
def guest(stack: LocalStack, request: pytest.FixtureRequest) -> Guest:
    """A client with a restaurant of its own, named after the test."""
    restaurant = "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
    client = Guest(stack, restaurant)
    client.put_house(2, 4)
    return client
