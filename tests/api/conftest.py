"""The service behind its true handlers; each test finds it empty, or shares it with its module."""

from pathlib import Path

import pytest

from tests.harness.fixtures import emptied, four_top, harbour, running, shared
from tests.harness.room import Evening
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


@pytest.fixture
def evening(service: Service, monkeypatch: pytest.MonkeyPatch) -> Evening:
    return Evening(service, monkeypatch)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests run in any order, so none may empty what others of its module share."""
    used: dict[Path, set[str]] = {}
    for item in items:
        if isinstance(item, pytest.Function):
            used.setdefault(item.path, set()).update(item.fixturenames)
    mixed = [path.name for path, names in used.items() if {"shared", "emptied"} <= names]
    if mixed:
        raise pytest.UsageError(f"some tests empty what others share: {', '.join(sorted(mixed))}")
