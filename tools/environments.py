"""Makes ``.venv``, then the tools' environments that are named: the first step, before our code can run.

``python tools/environments.py [NAME...]`` needs only Python 3.13. ``.venv`` holds exactly what
``requirements/dev.txt`` pins by hash; ``.venvs/NAME`` holds what ``requirements/NAME.txt`` pins. Each is made
again only when its requirements, the Python or its place changed. Two calls at once wait for each other. All
output goes to standard error, because the caller may be capturing a token.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON, UV = HOME / "bin" / "python", HOME / "bin" / "uv"
BOOTSTRAP, REQUIREMENTS = ROOT / "requirements" / "bootstrap.txt", ROOT / "requirements" / "dev.txt"
_QUIETLY = ("--quiet", "--require-hashes")


class SetupError(RuntimeError):
    """A tool that makes an environment failed; what it said is on standard error."""


def main(tools: Sequence[str]) -> None:
    """Bring ``.venv`` and the named tools' environments up to date. Raises SetupError."""
    _renew(HOME, (Path(__file__), BOOTSTRAP, REQUIREMENTS), _install)
    for name in tools:
        environment(name)


def environment(name: str) -> Path:
    """Return the interpreter of ``.venvs/<name>``, which is made if need be. ``.venv`` must exist.

    Raises SetupError when the packages cannot be installed.
    """
    home, requirements = ROOT / ".venvs" / name, ROOT / "requirements" / f"{name}.txt"
    python = home / "bin" / "python"

    def make() -> None:
        _run(UV, "venv", "--quiet", "--clear", "--python", PYTHON, home)
        _run(UV, "pip", "sync", *_QUIETLY, "--python", python, requirements)

    _renew(home, (requirements,), make)
    return python


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time do the work; the others wait for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _renew(home: Path, sources: Sequence[Path], make: Callable[[], None]) -> None:
    """Make an environment unless its stamp says that it was made from these very sources."""
    stamp, wanted = home / ".ready", _fingerprint(home, sources)

    def is_ready() -> bool:
        return stamp.exists() and stamp.read_text() == wanted

    if is_ready():
        return
    with locked(ROOT / ".venvs" / f".{home.name}.lock"):
        if is_ready():  # another call made it while this one waited
            return
        print(f"setting up {home.relative_to(ROOT)}", file=sys.stderr)
        stamp.unlink(missing_ok=True)
        make()
        stamp.write_text(wanted)


def _fingerprint(home: Path, sources: Sequence[Path]) -> str:
    """Changes with the sources, the Python and the place: an environment cannot be moved."""
    digest = hashlib.sha256(f"{sys.version} {home}".encode())
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _install() -> None:
    venv.create(HOME, with_pip=True, symlinks=True)
    pip = (PYTHON, "-m", "pip", "install", *_QUIETLY, "--disable-pip-version-check")
    _run(*pip, "--requirement", BOOTSTRAP)
    _run(UV, "pip", "sync", *_QUIETLY, "--python", PYTHON, REQUIREMENTS)
    _make_product_importable()


def _make_product_importable() -> None:
    """The product stays where ``sam build`` reads it: a path file names the place."""
    site_packages = sysconfig.get_path("purelib", vars={"base": str(HOME)})
    Path(site_packages, "maitred.pth").write_text(f"{ROOT / 'layers' / 'shared'}\n")


def _run(*command: str | Path) -> None:
    variables = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(command, check=False, cwd=ROOT, stdout=sys.stderr, env=variables)
    if done.returncode:
        raise SetupError(f"set-up failed: {Path(command[0]).name} ended with {done.returncode}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except SetupError as failure:
        sys.exit(str(failure))
