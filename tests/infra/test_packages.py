"""What is unpacked on a sandbox: within Lambda's limit, and heavy libraries only where they are used."""

import subprocess
import sys
from pathlib import Path

import pytest

from localstack.build import build
from tests.infra.template import ROOT, deployed

pytestmark = [pytest.mark.stack, pytest.mark.timeout(660)]  # it may have to build first

MOST_UNPACKED = 250 * 1024 * 1024  # bytes, with the layers
ASSIGN = "AssignFunction"
#: One question, with nothing but what is deployed.
ASKED = """
import sys
sys.path[:0] = sys.argv[1:]
from maitred.adapters.highs.solver import HighsSolver
from maitred.adapters.system import SystemClock
from tests.planner.floors import SEVEN, evening, floor, party, table
from maitred.planner.day.exact import ExactQuestion
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, MovableBooking

index = compile_floor(floor([table("A", 2), table("B", 4)]))
rows = [Allocation("B", SEVEN, SEVEN + 90, "two")]
two = MovableBooking("two", 2, SEVEN, SEVEN + 90, ("B",))
question = ExactQuestion(index, evening(index, rows), party(4), (two,), 1)
answer = HighsSolver(SystemClock()).rearrange(question, 30.0)
import highspy
print(answer.proof, *answer.tables, *answer.moves[0].to_tables, highspy.__file__)
"""


@pytest.fixture(scope="module")
def built() -> Path:
    return build().parent


def unpacked(*folders: Path) -> int:
    return sum(path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", sorted(deployed().functions))
def test_a_function_and_its_layer_fit(built: Path, name: str) -> None:
    assert 0 < unpacked(built / name, built / "SharedLayer") < MOST_UNPACKED


@pytest.mark.parametrize("name", sorted(deployed().functions))
def test_only_the_workers_carry_the_solver(built: Path, name: str) -> None:
    assert (built / name / "highspy").exists() == (name in (ASSIGN, "OptimizeFunction"))
    assert not (built / "SharedLayer" / "python" / "highspy").exists()
    assert not (built / "SharedLayer" / "python" / "numpy").exists()


def test_the_solver_works_from_what_is_deployed(built: Path) -> None:
    package = built / ASSIGN
    paths = [str(package), str(built / "SharedLayer" / "python"), str(ROOT)]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ASKED, *paths],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *answer, loaded_from = done.stdout.split()
    assert answer == ["arranged", "B", "A"]
    assert Path(loaded_from).is_relative_to(package)


def test_the_tests_use_the_solver_that_is_deployed() -> None:
    """The same versions in both files of pins."""

    def pins(path: str) -> set[str]:
        lines = (ROOT / path).read_text().splitlines()
        return {line.removesuffix(" \\") for line in lines if "==" in line}

    assert pins("functions/assign/requirements.txt") <= pins("requirements/dev.txt")
