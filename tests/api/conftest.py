"""The service behind its true handlers: one of its own for a test, or one for a module."""

from tests.harness.fixtures import harbour, service, shared

__all__ = ["harbour", "service", "shared"]
