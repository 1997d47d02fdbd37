"""The database that a stack keeps, whether the stack runs or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from localstack.home import Home
from localstack.postgres import PostgresServer
from localstack.stack import DATABASE


@contextmanager
def database_of(home: Home) -> Iterator[str]:
    """The running stack's database, or one that runs for this query only."""
    running = home.running()
    if running is not None:
        yield running.dsn
        return
    home.hold()
    try:
        with PostgresServer(home.path / "postgres") as server:
            yield server.dsn(DATABASE)
    finally:
        home.release()
