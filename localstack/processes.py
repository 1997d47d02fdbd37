"""Child processes that never outlive us, whatever happens to this process."""

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

_CHILD = Path(__file__).with_name("child.py")
# The kernel's "parent death signal" is sent when the *thread* that forked ends. All children are
# therefore started by one thread that lives as long as the process.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


class StartStop(ABC):
    """What is started and stopped: by name, or by ``with``."""

    @abstractmethod
    def start(self) -> None:
        """Start, and return when it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stop; no process stays."""

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


def spawn(  # noqa: PLR0913 - all but the command are named at the call
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int,
    directory: Path | None = None,
    death_signal: signal.Signals = signal.SIGKILL,
    identity: str = "same",
    inherited: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a command that ends with us: ``death_signal`` reaches it when this process ends in any way.

    The environment is exactly ``environment``. Standard output and error both go to ``output``.
    ``command[0]`` must be an absolute path. For ``identity`` see ``localstack/child.py``. ``inherited`` are
    the file descriptors the command keeps.
    """
    how = (str(os.getpid()), str(int(death_signal)), identity)
    prepared = [sys.executable, "-I", "-S", str(_CHILD), *how, "--", *command]

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            prepared,
            env=dict(environment),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=inherited,
            start_new_session=True,  # Ctrl-C in the terminal is ours to pass on, in the right order
        )

    return on_spawner(start)


def on_spawner[T](start: Callable[[], T]) -> T:
    """Run ``start`` on the thread that starts all children, and return what it returns."""
    return _SPAWNER.submit(start).result()


def stop(process: subprocess.Popen[bytes], *, grace: float, first: signal.Signals = signal.SIGTERM) -> None:
    """Ask a child to end, wait ``grace`` seconds, then kill its whole process group."""
    if process.poll() is None:
        process.send_signal(first)
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
