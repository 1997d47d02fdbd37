"""``python -m demo.look "select ..."``: one query on what the last demo left behind."""

import json
import sys
from collections.abc import Sequence

import psycopg
from rich.console import Console
from rich.table import Table

from localstack.database import database_of
from localstack.home import Home, HomeBusyError, default_home
from localstack.postgres import PostgresError

MISUSE = 2


def demo_home() -> Home:
    """Where the demo keeps its data: beside that of ``make up``, not in it."""
    return Home(default_home() / "demo")


def main(arguments: Sequence[str]) -> int:
    """Print the rows of one statement; return the exit code."""
    if len(arguments) != 1:
        print('usage: python -m demo.look "select ..."', file=sys.stderr)
        return MISUSE
    home = demo_home()
    if not (home.path / "postgres" / "PG_VERSION").exists():
        print(f"nothing in {home.path}: run make demo first", file=sys.stderr)
        return 1
    try:
        with database_of(home) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
            connection.read_only = True
            _print(connection.execute(arguments[0].encode()))
    except (psycopg.Error, PostgresError, HomeBusyError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _print(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
    if cursor.description is None:
        return
    table = Table(show_lines=True)
    for column in cursor.description:
        table.add_column(column.name, overflow="fold")
    for row in cursor:
        table.add_row(*(_text(value) for value in row))
    Console(soft_wrap=False).print(table)


def _text(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
