"""The service with a restaurant to book, for the checks that recount it."""

from tests.harness.fixtures import harbour, service

__all__ = ["harbour", "service"]
