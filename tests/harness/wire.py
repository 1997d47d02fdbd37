"""A tap on the wire between the application and PostgreSQL: counts flights, and can lose an answer."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_SYNC, _QUERY = b"S"[0], b"Q"[0]
_READY = b"Z\x00\x00\x00\x05"  # ReadyForQuery: its head; one byte of transaction status follows
_GOODBYE = b"X\x00\x00\x00\x04"
_CHUNK = 65536


class WireTap:
    """A TCP proxy in front of a server on loopback.

    ``requests`` counts what the protocol calls for an answer to (Sync and simple Query messages), ``turns``
    how often the client spoke after the server had: that is what a network's latency is paid for.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._lose_at: int | None = None
        self.requests = 0
        self.turns = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def reset(self) -> None:
        self.requests = self.turns = 0

    def lose_answer(self, request: int) -> None:
        """Let the server finish request number ``request`` from now, then break the line."""
        self.reset()
        self._lose_at = request

    def cut(self) -> None:
        """Break every line."""
        with self._lock:
            broken, self._open = self._open, []
        for end in broken:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                client.close()  # nobody is there: the client shall learn it at once
                continue
            with self._lock:
                self._open += [client, server]
            line = _Line(self, client, server)
            threading.Thread(target=line.upstream, daemon=True).start()
            threading.Thread(target=line.downstream, daemon=True).start()

    def _asked(self, *, turn: bool, requests: int) -> None:
        with self._lock:
            self.turns += turn
            self.requests += requests

    def _loses(self) -> bool:
        with self._lock:
            if self._lose_at is None or self.requests < self._lose_at:
                return False
            self._lose_at = None
            return True


class _Line:
    """One connection through the tap."""

    def __init__(self, tap: WireTap, client: socket.socket, server: socket.socket) -> None:
        self._tap = tap
        self._client = client
        self._server = server
        self._answered = False
        self._started = False
        self._unread = b""

    def upstream(self) -> None:
        with suppress(OSError):
            while data := self._client.recv(_CHUNK):
                requests = self._count(data)
                turn = self._answered and self._started and data != _GOODBYE
                self._answered = False
                self._tap._asked(turn=turn, requests=requests)
                self._server.sendall(data)
        self._close()

    def downstream(self) -> None:
        losing = False
        with suppress(OSError):
            while data := self._server.recv(_CHUNK):
                losing = losing or (self._started and self._tap._loses())
                if losing:
                    if data[-6:-1] == _READY:
                        break
                    continue
                self._answered = True
                if not self._started and _READY in data:
                    self._started = True
                self._client.sendall(data)
        self._close()

    def _count(self, data: bytes) -> int:
        """Whole messages in the client's stream; the first one (start-up) has no type."""
        self._unread += data
        count = 0
        while True:
            head = 1 if self._started else 0
            if len(self._unread) < head + 4:
                return count
            size = head + int.from_bytes(self._unread[head : head + 4])
            if len(self._unread) < size:
                return count
            count += self._started and self._unread[0] in (_SYNC, _QUERY)
            self._unread = self._unread[size:]

    def _close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
