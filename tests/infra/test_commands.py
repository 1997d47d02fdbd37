"""The commands that somebody types after cloning."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.template import ROOT

PROMISED = {
    "demo",
    "up",
    "token",
    "test",
    "check",
    "bench",
    "ops",
    "soak",
    "help",
    "setup",
    "requirements",
    "rehearse",
    "deploy",
}


def _run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=ROOT, env=environment or None, capture_output=True, text=True, check=False
    )


def test_help_lists_every_command_that_is_promised() -> None:
    listed = set(re.findall(r"^make ([a-z-]+)", _run("make", "help").stdout, re.MULTILINE))
    assert listed >= PROMISED


def test_every_command_is_phony() -> None:
    """A file called "test" must not turn the tests off."""
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):(?!=)", text, re.MULTILINE)) - {"check-template check-build"}
    assert targets == set(re.findall(r"^\.PHONY: ([a-z-]+)$", text, re.MULTILINE))


def _bash() -> str:
    return subprocess.run(
        ("bash", "-c", "echo $BASH"), capture_output=True, text=True, check=True
    ).stdout.strip()


def _fake(folder: Path, name: str, body: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    script = folder / name
    script.write_text(f"#!{_bash()}\n{body}\n")
    script.chmod(0o755)


def _find(tmp_path: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """In a clone where nothing is set up."""
    _fake(path, "dirname", 'echo "${1%/*}"')
    clone = tmp_path / "clone"
    (clone / "tools").mkdir(parents=True, exist_ok=True)
    for name in (".python-version", "tools/find-python"):
        shutil.copy(ROOT / name, clone / name)
    return _run(_bash(), str(clone / "tools" / "find-python"), PATH=str(path), HOME=str(tmp_path / "home"))


@pytest.mark.parametrize("name", ["python3.13", "python3"])
def test_python_is_found_on_the_path(name: str, tmp_path: Path) -> None:
    _fake(tmp_path / "bin", name, f'exec {sys.executable} "$@"')
    assert _find(tmp_path, tmp_path / "bin").stdout.strip() == sys.executable


def test_python_is_found_in_pyenv_though_its_shim_refuses(tmp_path: Path) -> None:
    _fake(tmp_path / "bin", "python3.13", "echo 'pyenv: python3.13: command not found' >&2; exit 127")
    _fake(tmp_path / "home/.pyenv/versions/3.13.0/bin", "python", f'exec {sys.executable} "$@"')
    found = _find(tmp_path, tmp_path / "bin")
    assert (found.returncode, found.stdout.strip(), found.stderr) == (0, sys.executable, "")


def test_the_environments_own_python_comes_first(tmp_path: Path) -> None:
    """A shim of pyenv takes a third of a second, for every command."""
    _fake(tmp_path / "bin", "python3.13", "exit 3")
    _fake(tmp_path / "clone/.venv/bin", "python", f'exec {sys.executable} "$@"')
    assert _find(tmp_path, tmp_path / "bin").stdout.strip() == sys.executable


def test_another_python_is_refused_in_one_line(tmp_path: Path) -> None:
    _fake(tmp_path / "bin", "python3", "echo 3.12")
    found = _find(tmp_path, tmp_path / "bin")
    assert (found.returncode, found.stdout) == (1, "")
    assert found.stderr.count("\n") == 1
    assert "Python 3.13 is needed" in found.stderr
