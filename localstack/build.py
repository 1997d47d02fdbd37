"""The template, built for this machine: what has to exist before a function can run."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tools.environments import ROOT, environment, locked

DEPLOYED_ARCHITECTURE = "arm64"
BUILD_SECONDS = 600
BUILDS_KEPT = 3
_SOURCES = ("functions", "layers")
_MACHINES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}

type Say = Callable[[str], None]


class BuildError(RuntimeError):
    """A tool failed; the message ends with what it said."""


def build(say: Say = lambda _: None, *, root: Path = ROOT, target: Path | None = None) -> Path:
    """Run ``sam build`` for this machine's architecture unless nothing changed; return the built template.

    ``root`` holds template.yaml, functions/ and layers/. What was built is never changed again: a stack that
    runs on it keeps running as it was. Raises BuildError when the build fails.
    """
    target = target or root / ".aws-sam" / "local"
    target.mkdir(parents=True, exist_ok=True)
    with locked(target / ".lock"):
        built = target / f"built-{_fingerprint(root)}"
        if not built.exists():
            say("building the layer and the functions (the first time takes half a minute)")
            _sam_build(root, target, environment("sam"))
            _precompile(target / "out")
            _keep(target / "out", built)
            _forget_old(target)
    return built / "template.yaml"


def _sam_build(root: Path, target: Path, python: Path) -> None:
    """Build a copy of the template that names this machine's architecture: binary wheels must load here."""
    template = target / "template.yaml"
    text = (root / "template.yaml").read_text(encoding="utf-8")
    template.write_text(text.replace(DEPLOYED_ARCHITECTURE, _architecture()), encoding="utf-8")
    tools = Path(sys.executable).parent  # sam looks for python3.13 with pip there
    own = {
        "SAM_CLI_TELEMETRY": "0",
        "__SAM_CLI_APP_DIR": str(target / "app"),
        "PATH": os.pathsep.join((str(tools), os.environ.get("PATH", os.defpath))),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AWS_"))}
    command = (
        str(python.parent / "sam"), "build", "--cached", "--parallel",
        "--template-file", str(template), "--base-dir", str(root),
        "--build-dir", str(target / "out"), "--cache-dir", str(target / "cache"),
    )  # fmt: skip
    _run(command, variables=inherited | own, directory=target)


def _precompile(output: Path) -> None:
    """Compile the layers' Python, so that the first invocation of a sandbox does not."""
    for layer in output.glob("*/python"):
        _run((sys.executable, "-m", "compileall", "-qq", "-j", "0", str(layer)))


def _keep(output: Path, built: Path) -> None:
    """Link the output under a name of its own, whole or not at all."""
    partial = built.with_name("partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(output, partial, symlinks=True, copy_function=os.link)
    partial.rename(built)


def _forget_old(target: Path) -> None:
    builds = sorted(target.glob("built-*"), key=lambda path: path.stat().st_mtime)
    for old in builds[:-BUILDS_KEPT]:
        shutil.rmtree(old)


def _architecture() -> str:
    machine = platform.machine().lower()
    try:
        return _MACHINES[machine]
    except KeyError:
        raise BuildError(f"Lambda has no architecture for this machine ({machine})") from None


def _fingerprint(root: Path) -> str:
    """Return a hash of everything that the build reads."""
    digest = hashlib.sha256(f"{_architecture()} {sys.version}".encode())
    for path in (root / "template.yaml", *(path for name in _SOURCES for path in _files(root / name))):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(directory: Path) -> list[Path]:
    found = (path for path in directory.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sorted(found)


def _run(
    command: tuple[str, ...], *, variables: dict[str, str] | None = None, directory: Path = ROOT
) -> None:
    done = subprocess.run(
        command,
        env=variables,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()[-15:]
        name = Path(command[0]).name
        raise BuildError("\n".join((f"{name} {command[1]} failed:", *words)))
