"""Circuits of many sandboxes. Light to load, for the processes that open one of their own."""

from functools import partial
from typing import Any

import psycopg

from maitred.adapters.postgres.database import Database
from maitred.adapters.postgres.guard import PostgresCircuit
from maitred.services.ports import Event
from tests.harness.databases import APPLICATION_ROLE


class Told:
    """What a circuit told; the rest of the telemetry port is not asked."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.counted: list[tuple[str, dict[str, str]]] = []

    def later(self, events: Any) -> None:
        self.events += events

    def count(self, name: str, value: float = 1, **dimensions: str) -> None:
        self.counted.append((name, dimensions))

    def milliseconds(self, name: str, value: float, **dimensions: str) -> None:
        raise AssertionError(name)

    committed = later

    def span(self, name: str, **annotations: str) -> Any:
        raise AssertionError(name)

    def about(self, **ids: str) -> Any:
        raise AssertionError(ids)

    know = about

    @property
    def states(self) -> list[tuple[str, int]]:
        return [(event.context["state"], event.context["failures"]) for event in self.events]


def open_circuit(port: int, name: str) -> tuple[PostgresCircuit, Told, Database]:
    recorded = Told()
    database = Database(
        partial(
            psycopg.connect,
            host="127.0.0.1",
            port=port,
            dbname=name,
            user=APPLICATION_ROLE,
            sslmode="disable",
            autocommit=True,
            prepare_threshold=None,
        )
    )
    return PostgresCircuit(database, recorded, "printer", 30.0), recorded, database


def knock(port: int, name: str, answers: Any, line: Any) -> None:
    """In a process of its own."""
    circuit, _, connection = open_circuit(port, name)
    line.wait()
    answers.put(circuit.enter())
    connection.close()
