"""Commands start quickly: they import only what they need. No clock is read, so no slow machine fails it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra.template import ROOT

#: Each takes a tenth of a second or more to import, and none of these commands needs it.
HEAVY = {"aiohttp", "boto3", "botocore", "maitred", "psutil", "psycopg", "pydantic", "rich", "samtranslator"}
CRYPTOGRAPHY = {"cryptography", "jwt"}
RUN = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
except SystemExit as ended:
    assert not ended.code, ended.code
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def imported(home: Path, *command: str) -> set[str]:
    """The packages that a command imported."""
    done = subprocess.run(
        (sys.executable, "-c", RUN, *command),
        cwd=ROOT,
        env={"MAITRED_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "command",
    [("localstack", "--help"), ("localstack", "up", "--help"), ("ops", "--help"), ("ops", "dlq", "--help")],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(command: tuple[str, ...], tmp_path: Path) -> None:
    assert imported(tmp_path, *command) & (HEAVY | CRYPTOGRAPHY) == set()


def test_a_token_needs_cryptography_and_nothing_else_heavy(tmp_path: Path) -> None:
    found = imported(tmp_path, "localstack", "token")
    assert found & HEAVY == set()
    assert found >= CRYPTOGRAPHY


def test_the_environment_check_needs_nothing_that_is_installed(tmp_path: Path) -> None:
    """It runs before anything is: an import of ours or of a package would break a fresh clone."""
    script = ROOT / "tools" / "environments.py"
    done = subprocess.run(
        (
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import runpy; runpy.run_path({str(script)!r})",
        ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
