"""Laws over the files that are tracked."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.infra.template import ROOT

REQUIREMENTS = sorted(
    [*(ROOT / "requirements").glob("*.txt"), ROOT / "layers" / "shared" / "requirements.txt"]
)
# Written so that the patterns do not find themselves.
REGISTRY = re.compile(r"https?://[^\s\"'`)]*(?:pypi|pythonhosted|npmjs|debian|conda|files\.python)")
MACHINE_PATH = re.compile(r"(?<![\w.$}])/(?:work|root|home|Users|tmp)/[\w.-]+")
PINNED = re.compile(
    r"^[a-z0-9][a-z0-9._-]*(?:\[[a-z0-9,-]+\])?==[^\s;]+(?: ; [^\\]+)?(?: \\)?$", re.IGNORECASE
)
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")


def _tracked() -> list[Path]:
    """What is in the repository or would be with the next commit."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def _found(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in _tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in pattern.finditer(text)]
    return found


def test_there_is_something_to_look_at() -> None:
    assert ROOT / "template.yaml" in _tracked()


def test_no_file_names_a_registry() -> None:
    assert _found(REGISTRY) == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert _found(MACHINE_PATH) == []


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_requirement_is_pinned_and_hashed(path: Path) -> None:
    pins = 0
    hashes_of_last = 1
    for line in path.read_text().splitlines():
        if PINNED.match(line):
            assert hashes_of_last, f"no hash before {line}"
            pins, hashes_of_last = pins + 1, 0
        else:
            assert HASH.match(line), line
            hashes_of_last += 1
    assert pins
    assert hashes_of_last


def test_python_is_3_13_wherever_it_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert (ROOT / ".python-version").read_text().strip() == "3.13"
    assert project["project"]["requires-python"] == ">=3.13,<3.14"
    assert project["tool"]["mypy"]["python_version"] == "3.13"
    assert project["tool"]["ruff"]["target-version"] == "py313"


def test_the_layer_carries_one_package_and_its_requirements() -> None:
    tops = {
        path.relative_to(ROOT / "layers/shared").parts[0]
        for path in _tracked()
        if ROOT / "layers" in path.parents
    }
    assert tops == {"maitred", "requirements.txt"}


def test_a_function_folder_is_its_handler_only() -> None:
    """And, for the workers, what they carry beside the layer."""
    inside = {
        path.relative_to(ROOT / "functions").parts
        for path in _tracked()
        if ROOT / "functions" in path.parents
    }
    handlers = {parts for parts in inside if parts[1:] == ("app.py",)}
    assert inside - handlers == {("assign", "requirements.txt"), ("optimize", "requirements.txt")}


def test_every_decision_has_its_date() -> None:
    rows = [
        line
        for line in (ROOT / "docs" / "decisions.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| date |")
    ]
    assert len(rows) > 100
    assert [row for row in rows if not re.match(r"\| 20\d\d-\d\d-\d\d \| [^|]+ \| [^|]+ \|", row)] == []
