"""MAITRED_HOME: the one directory where the local stack keeps everything."""

import fcntl
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

DEFAULT_HOME = ".maitred"


class HomeBusyError(RuntimeError):
    """Another stack is running on this home."""


@dataclass(frozen=True, slots=True)
class Running:
    """What other commands need to know about a running stack. ``dsn`` is the superuser's, to look at it."""

    pid: int
    url: str
    dsn: str
    sqs_endpoint: str
    invoke_endpoint: str
    queues: Mapping[str, str]


def default_home() -> Path:
    """Return the directory that the environment chooses."""
    return Path(os.environ.get("MAITRED_HOME") or DEFAULT_HOME).resolve()


class Home:
    """A home directory, locked by one stack at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._lock: IO[str] | None = None

    @property
    def logs(self) -> Path:
        """Where each function's log is, as ``<logical id>.log``."""
        return self.path / "logs"

    def lock(self) -> None:
        """Lock the home; the kernel unlocks it when this process ends, however it ends.

        Raises HomeBusyError when another process has it.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise HomeBusyError(
                f"a local stack is already running on {self.path} (process {owner})"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def unlock(self) -> None:
        """Unlock the home."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def announce(self, running: Running) -> None:
        """Publish the running stack to other commands, whole or not at all."""
        partial = self.path / ".stack.json"
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(asdict(running), indent=2), encoding="utf-8")
        partial.rename(self.path / "stack.json")

    def withdraw(self) -> None:
        """Take back what `announce` published."""
        with suppress(FileNotFoundError):
            (self.path / "stack.json").unlink()

    def running(self) -> Running | None:
        """Return what the running stack published; None when no stack is running."""
        try:
            found = Running(**json.loads((self.path / "stack.json").read_text(encoding="utf-8")))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return found if self._is_locked() else None

    def _is_locked(self) -> bool:
        with suppress(FileNotFoundError), (self.path / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False
