"""The service on a database of its own, with a restaurant to book."""

from tests.harness.fixtures import harbour, running, service

__all__ = ["harbour", "running", "service"]
