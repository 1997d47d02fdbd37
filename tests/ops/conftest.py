"""The service with a restaurant to book, for the commands that operate it."""

from tests.harness.fixtures import harbour, service

__all__ = ["harbour", "service"]
