"""Opens the database in a home directory, whether a stack is running there or not."""

from collections.abc import Iterator
from contextlib import contextmanager

from localstack.home import Home
from localstack.postgres import PostgresServer
from localstack.stack import DATABASE


@contextmanager
def database_of(home: Home) -> Iterator[str]:
    """The address of the running stack's database, or of one that is started until the context ends.

    Raises HomeBusyError or PostgresError.
    """
    running = home.running()
    if running is not None:
        yield running.dsn
        return
    home.lock()
    try:
        with PostgresServer(home.path / "postgres") as server:
            yield server.dsn(DATABASE)
    finally:
        home.unlock()
