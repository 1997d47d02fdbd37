"""The way out: real sockets, certificates of our own, and receivers that misbehave."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from maitred.adapters.webhook_sender import WebhookSender
from maitred.domain.addresses import is_public
from maitred.services.webhooks.ports import DeliveryFailed

NAME = "hooks.example.com"
TAKEN = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"

type Answering = Callable[[ssl.SSLSocket, bytes], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of ``hooks.example.com``, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def receiver(certificate: Path, answer: Answering) -> Iterator[tuple[int, list[bytes]]]:
    """Its port, and the requests it has read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                request = b""
                while b"\r\n\r\n" not in request or not request.endswith(b"}"):
                    part = connection.recv(65536)
                    if not part:
                        break
                    request += part
                seen.append(request)
                answer(connection, request)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)


def sender(certificate: Path, seconds: float = 5.0) -> WebhookSender:
    """For which this machine is a public address of any name."""
    return WebhookSender(
        anywhere=False,
        resolve=lambda host, port: ["127.0.0.1"],
        allows=lambda address: True,
        authorities=str(certificate),
        seconds=seconds,
    )


def saying(text: bytes) -> Answering:
    return lambda connection, _: connection.sendall(text)


def test_an_event_arrives(certificate: Path) -> None:
    with receiver(certificate, saying(TAKEN)) as (port, seen):
        sender(certificate).post(f"https://{NAME}:{port}/in?key=1", '{"a":"é"}', {"webhook-id": "h.1"})
    [request] = seen
    head, _, body = request.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    assert lines[0] == "post /in?key=1 http/1.1"
    assert {f"host: {NAME}:{port}", "webhook-id: h.1", "content-type: application/json"} <= set(lines)
    assert body.decode() == '{"a":"é"}'


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 500 Oh no\r\n\r\n", "status 500"),
        (b"HTTP/1.1 404 No\r\n\r\n", "status 404"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", "status 302"),
        (b"HTTP/1.1 308 Moved\r\nLocation: https://127.0.0.1/\r\n\r\n", "status 308"),
        (b"", "no answer"),
        (b"nonsense\r\n\r\n", "no answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n", "no answer"),
    ],
)
def test_answers_that_are_none(certificate: Path, answer: bytes, why: str) -> None:
    with (
        receiver(certificate, saying(answer)) as (port, seen),
        pytest.raises(DeliveryFailed, match=why),
    ):
        sender(certificate).post(f"https://{NAME}:{port}/", "{}", {})
    assert len(seen) == 1


def test_a_body_without_end_is_not_read(certificate: Path) -> None:
    def endless(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with receiver(certificate, endless) as (port, _):
        sender(certificate).post(f"https://{NAME}:{port}/", "{}", {})


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n"])
def test_who_hangs_or_drips_is_cut_off(certificate: Path, first: bytes) -> None:
    """A byte now and then keeps a socket's own time-out away for ever."""

    ended = threading.Event()

    def drip(connection: ssl.SSLSocket, _: bytes) -> None:
        connection.sendall(first)
        while not ended.wait(0.1):
            if first:
                connection.sendall(b"x")

    with receiver(certificate, drip) as (port, _):
        impatient = sender(certificate, seconds=0.5)
        with pytest.raises(DeliveryFailed, match="time-out"):
            impatient.post(f"https://{NAME}:{port}/", "{}", {})
        ended.set()


def test_a_certificate_of_somebody_else_is_refused(certificate: Path) -> None:
    with receiver(certificate, saying(TAKEN)) as (port, seen):
        with pytest.raises(DeliveryFailed, match="certificate"):
            sender(certificate).post(f"https://other.example.com:{port}/", '{"a":1}', {})
        stranger = WebhookSender(
            anywhere=False, resolve=lambda host, port: ["127.0.0.1"], allows=lambda address: True
        )
        with pytest.raises(DeliveryFailed, match="certificate"):
            stranger.post(f"https://{NAME}:{port}/", '{"a":1}', {})
    assert not any(b'{"a":1}' in request for request in seen)


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"], ["10.1.2.3"],
        ["172.31.0.1"], ["192.168.0.9"], ["169.254.169.254"], ["100.100.100.200"],
        ["0.0.0.0"],  # noqa: S104 - nothing is bound
        ["224.0.0.251"], ["255.255.255.255"], ["192.0.2.1"], ["198.18.0.1"], ["203.0.113.5"],
        ["240.0.0.1"], ["::1"], ["::"], ["fe80::1"], ["fc00::1"], ["fd00:ec2::254"], ["ff02::1"],
        ["::ffff:10.0.0.1"], ["::ffff:169.254.169.254"], ["64:ff9b::a9fe:a9fe"], ["64:ff9b:1::1"],
        ["2002:a9fe:a9fe::1"], ["2001:0:1::1"], ["2001:db8::1"], ["::7f00:1"],
        ["93.184.216.34", "127.0.0.1"], ["2606:2800:220:1::1", "fe80::1"],
    ],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused_at_each_send(found: list[str]) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a connection was opened")

    inside = WebhookSender(anywhere=False, resolve=lambda host, port: found)
    inside._exchange = opened  # type: ignore[method-assign,assignment]  # nothing may be sent
    with pytest.raises(DeliveryFailed, match="address_not_allowed"):
        inside.post("https://rebound.example.com/", "{}", {})


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


def test_the_address_that_was_looked_at_is_the_one_that_is_used(certificate: Path) -> None:
    """A name that answers differently the second time (DNS rebinding) is not asked a second time."""
    asked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with receiver(certificate, saying(TAKEN)) as (port, _):
        rebinding = WebhookSender(
            anywhere=False, resolve=once, allows=lambda address: True, authorities=str(certificate)
        )
        rebinding.post(f"https://{NAME}:{port}/", "{}", {})
    assert asked == [NAME]


def test_a_name_without_addresses() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror

    with pytest.raises(DeliveryFailed, match="does not resolve"):
        WebhookSender(anywhere=False, resolve=unknown).post(f"https://{NAME}/", "{}", {})
    with pytest.raises(DeliveryFailed, match="does not resolve"):
        WebhookSender(anywhere=False, resolve=lambda host, port: []).post(f"https://{NAME}/", "{}", {})


def test_nobody_listens(certificate: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DeliveryFailed, match="no answer"):
        sender(certificate).post(f"https://{NAME}:{port}/", "{}", {})
