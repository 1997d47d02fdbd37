"""Sends an event: to a public address that was just looked up, in five seconds, following nothing."""

import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from http.client import HTTPException
from ipaddress import ip_address
from threading import Event, Timer
from typing import Any
from urllib.parse import SplitResult

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, SSLError
from urllib3.exceptions import TimeoutError as TookTooLong

from maitred.domain.addresses import is_public, is_public_name, split
from maitred.services.webhooks.ports import DeliveryFailed

SECONDS = 5.0
_AGENT = "Maitred"
_OK = range(200, 300)


def _resolve(host: str, port: int) -> Sequence[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class WebhookSender:
    """Implements services.webhooks.ports.EventSender.

    ``anywhere``: plain http and private addresses will do, for the local stack. ``authorities``: the trusted
    certificates, else the machine's.
    """

    def __init__(
        self,
        *,
        anywhere: bool,
        resolve: Callable[[str, int], Sequence[str]] = _resolve,
        allows: Callable[[Any], bool] = is_public,
        authorities: str | None = None,
        seconds: float = SECONDS,
    ) -> None:
        self._anywhere = anywhere
        self._resolve = resolve
        self._allows = allows
        self._authorities = authorities
        self._seconds = seconds

    def post(self, url: str, body: str, headers: Mapping[str, str]) -> None:
        parts = split(url, plain=self._anywhere)
        if parts is None or parts.hostname is None:
            raise DeliveryFailed("address_not_allowed")
        secure = parts.scheme.lower() == "https"
        port = parts.port or (443 if secure else 80)
        address = self._address(parts.hostname, port)
        sent = {
            "host": parts.netloc,
            "content-type": "application/json",
            "user-agent": _AGENT,
            "connection": "close",
            **headers,
        }
        status = self._exchange(parts, address, port, body.encode(), sent)
        if status not in _OK:
            raise DeliveryFailed(f"status {status}")

    def _address(self, host: str, port: int) -> str:
        """One that the name has now. A name with one private address among its public ones is refused."""
        if not self._anywhere and not is_public_name(host):
            raise DeliveryFailed("address_not_allowed")
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise DeliveryFailed("the name does not resolve") from error
        if not found:
            raise DeliveryFailed("the name does not resolve")
        if not self._anywhere and not all(self._allows(ip_address(each)) for each in found):
            raise DeliveryFailed("address_not_allowed")
        return found[0]

    def _exchange(
        self, parts: SplitResult, address: str, port: int, body: bytes, headers: Mapping[str, str]
    ) -> int:
        """The answer's status. Its body is not read: a receiver cannot make us store it or wait for it."""
        connection = self._connection(parts, address, port)
        # A socket's time-out begins anew with each byte; this one does not.
        cut_off = Event()
        watch = Timer(self._seconds, _shut, [connection, cut_off])
        watch.daemon = True
        watch.start()
        target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            connection.request("POST", target, body=body, headers=headers, preload_content=False)
            status = connection.getresponse().status
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            raise DeliveryFailed("time-out" if cut_off.is_set() else _in_words(error)) from error
        finally:
            watch.cancel()
            connection.close()
        if cut_off.is_set():  # half an answer, which ends like a whole one
            raise DeliveryFailed("time-out")
        return status

    def _connection(self, parts: SplitResult, address: str, port: int) -> HTTPConnection:
        if parts.scheme.lower() == "http":
            return HTTPConnection(address, port, timeout=self._seconds)
        return HTTPSConnection(
            address,
            port,
            timeout=self._seconds,
            ssl_context=self._trust,
            server_hostname=parts.hostname,
        )

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._authorities)


def _shut(connection: HTTPConnection, cut_off: Event) -> None:
    """Ends whatever the connection waits for."""
    cut_off.set()
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _in_words(error: Exception) -> str:
    if isinstance(error, TookTooLong | TimeoutError) and not isinstance(error, NewConnectionError):
        return "time-out"
    if isinstance(error, SSLError | ssl.SSLError):
        return "certificate"
    return "no answer"
