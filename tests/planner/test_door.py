"""The planner's door: its example is true, and it opens no more than is asked for."""

import doctest
import subprocess
import sys
from pathlib import Path

from maitred import planner

ROOT = Path(__file__).parents[2]
_LOADED = """
import sys
from maitred.planner import PlannerOptions
print(sorted(name for name in sys.modules if name.startswith("maitred.planner.")))
"""


def test_the_example_is_true() -> None:
    result = doctest.testmod(planner)
    assert (result.failed, result.attempted > 0) == (0, True)


def test_every_name_is_there() -> None:
    assert set(planner.__all__) == set().union(*planner._HOMES.values())
    assert all(getattr(planner, name) is not None for name in planner.__all__)
    assert not hasattr(planner, "anything_else")


def test_a_name_loads_its_own_module_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOADED],
        env={"PYTHONPATH": str(ROOT / "layers" / "shared")},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "['maitred.planner.options']"
