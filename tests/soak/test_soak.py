"""A short soak: the long one is ``make soak``."""

from collections import Counter
from pathlib import Path

import pytest

from tests.harness.databases import TestDatabase
from tests.soak.run import Plan, soak


def _silent(_done: int, _total: int, _words: str) -> None:
    """Nobody watches."""


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_done_twice_while_everything_breaks(
    database: TestDatabase, tmp_path: Path
) -> None:
    plan = Plan(operations=300, cut=0.3, kill=1.0)
    outcome = soak(database, tmp_path, plan, _silent, _silent)
    assert [check for check in outcome.checks if check.wrong] == []
    answers = sum((report.answers for report in outcome.reports), Counter[tuple[str, str]]())
    assert answers.total() >= plan.operations
    assert answers["create", "201"] > 0
    for fault in ("connections killed", "workers killed", "duplicated"):
        assert outcome.faults[fault] > 0, fault
