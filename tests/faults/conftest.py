"""The service with a plug that can be pulled."""

from tests.harness.fixtures import emptied, running
from tests.harness.laboratory import plug

__all__ = ["emptied", "plug", "running"]
