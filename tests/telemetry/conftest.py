from tests.harness.fixtures import harbour, running, service

__all__ = ["harbour", "running", "service"]
