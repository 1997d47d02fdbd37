"""Makes ``.venv``, then the tools' environments that are named: the step before anything of ours can run.

``python tools/environments.py [NAME...]``, with any Python 3.13 and nothing installed. ``.venv`` holds
exactly what ``requirements/dev.txt`` pins, by hash, and is brought up to date when that changes; the tools'
environments are the affair of ``localstack.build``. Two calls at once wait for each other. All output goes to
standard error: somebody may be capturing a token.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON = HOME / "bin" / "python"
STAMP = HOME / ".ready"
BOOTSTRAP, REQUIREMENTS = ROOT / "requirements" / "bootstrap.txt", ROOT / "requirements" / "dev.txt"
TOOLS = "import sys, localstack.build; [localstack.build.environment(name) for name in sys.argv[1:]]"


def main(tools: Sequence[str]) -> None:
    """Bring ``.venv`` and the named tools' environments up to date."""
    if not _is_ready():
        with _alone():
            if not _is_ready():  # another call made it while this one waited
                _install()
    if tools:  # localstack.build needs what was just installed, which this interpreter may not have
        _run(PYTHON, "-c", TOOLS, *tools)


def _is_ready() -> bool:
    return STAMP.exists() and STAMP.read_text() == _fingerprint()


def _fingerprint() -> str:
    """Changes with the requirements, the Python, this file and the place: an environment cannot be moved."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + f"{sys.version_info[:3]} {HOME}".encode())
    for path in (BOOTSTRAP, REQUIREMENTS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _install() -> None:
    print("setting up .venv", file=sys.stderr)
    STAMP.unlink(missing_ok=True)
    venv.create(HOME, with_pip=True, symlinks=True)
    quietly = ("--quiet", "--require-hashes")
    _run(PYTHON, "-m", "pip", "install", *quietly, "--disable-pip-version-check", "--requirement", BOOTSTRAP)
    _run(HOME / "bin" / "uv", "pip", "sync", *quietly, "--python", PYTHON, REQUIREMENTS)
    _make_product_importable()
    STAMP.write_text(_fingerprint())


def _make_product_importable() -> None:
    """The product stays where ``sam build`` reads it: a path file names the place."""
    site_packages = sysconfig.get_path("purelib", vars={"base": str(HOME)})
    Path(site_packages, "maitred.pth").write_text(f"{ROOT / 'layers' / 'shared'}\n")


def _run(*command: str | Path) -> None:
    environment = os.environ | {"UV_PYTHON_DOWNLOADS": "never"}
    subprocess.run(command, check=True, cwd=ROOT, stdout=sys.stderr, env=environment)


@contextmanager
def _alone() -> Iterator[None]:
    folder = ROOT / ".venvs"
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as failure:
        sys.exit(f"set-up failed: {Path(failure.cmd[0]).name} ended with {failure.returncode}")
