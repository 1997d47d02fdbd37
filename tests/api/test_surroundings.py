"""The host's time zone, locale and hash seed change no answer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.story import story
from tests.harness.service import Service

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "surroundings",
    [
        {"TZ": "Asia/Kolkata", "LC_ALL": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"},
        {"TZ": "America/St_Johns", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "2"},
    ],
    ids=["Turkish in India", "C in Newfoundland"],
)
def test_answers_are_the_same_everywhere(service: Service, surroundings: dict[str, str]) -> None:
    here = story("home")
    assert [answer[0] for answer in here].count(201) == 8
    environment = (
        os.environ | surroundings | {"PYTHONPATH": f"{ROOT / 'layers' / 'shared'}{os.pathsep}{ROOT}"}
    )
    command = [sys.executable, "-m", "tests.api.story"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    [recorded] = [line for line in done.stdout.decode().splitlines() if line.startswith("STORY")]
    there = json.loads(recorded.removeprefix("STORY").replace("abroad", "home"))
    assert there == here
