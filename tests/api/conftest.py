"""The service behind its true handlers; each test finds it empty, or shares it with its module."""

import pytest

from tests.harness.fixtures import emptied, four_top, harbour, running, shared
from tests.harness.service import Service
from tests.harness.staff import FLOOR

__all__ = ["emptied", "four_top", "harbour", "running", "shared"]


@pytest.fixture
def service(emptied: Service) -> Service:
    return emptied


@pytest.fixture
def place(service: Service) -> Service:
    assert service.put_restaurant("harbour", FLOOR).status == 201
    return service
