"""A small demo from end to end, on the real stack."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools.environments import ROOT

pytestmark = pytest.mark.stack


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MAITRED_HOME": str(home)}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_small_evening_ends_consistent_and_can_be_looked_at(tmp_path: Path) -> None:
    demo = run(tmp_path, "demo", "--bookings", "60", "--clients", "3")

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "INCONSISTENT" not in demo.stdout
    assert re.search(r"asked for\s*│\s*60 ", demo.stdout)
    assert "HTTP round trip" in demo.stdout
    assert (tmp_path / "demo" / "logs" / "BookingsFunction.log").exists()
    assert list((tmp_path / "demo" / "mail").glob("*.eml"))
    assert not (tmp_path / "demo" / "stack.json").exists()

    query = re.search(r'^attempts .*demo\.look "(.*)"$', demo.stdout, re.MULTILINE)
    assert query
    look = run(tmp_path, "demo.look", query[1])
    assert look.returncode == 0, look.stderr
    assert "inline" in look.stdout


def test_looking_without_a_demo_says_what_to_do(tmp_path: Path) -> None:
    look = run(tmp_path, "demo.look", "select 1")
    assert look.returncode == 1
    assert "make demo" in look.stderr
