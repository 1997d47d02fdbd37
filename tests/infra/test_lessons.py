"""`docs/lessons.md` names every lesson, and only tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
LESSONS = {"B": 15, "H": 3, "P": 11, "T": 11, "E": 5, "O": 6}
TEXT = (ROOT / "docs" / "lessons.md").read_text()


def test_every_lesson_is_named_once() -> None:
    named = re.findall(r"^- \*\*([A-Z]\d+)\*\*", TEXT, re.MULTILINE)
    assert named == [f"{letter}{number}" for letter, most in LESSONS.items() for number in range(1, most + 1)]


def test_every_test_that_is_named_exists() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))
    named = re.findall(r"`(test_\w+)`", TEXT)
    assert named
    assert [name for name in named if f"def {name}(" not in source] == []
    files = re.findall(r"`(tests/[\w/]+\.py)`", TEXT)
    assert [name for name in files if not (ROOT / name).is_file()] == []


def test_every_lesson_that_a_test_carries_is_one() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "tests").rglob("test_*.py")))
    carried = {
        tag for tags in re.findall(r"def test_((?:[bhpteo]\d+_)+)", source) for tag in tags.split("_") if tag
    }
    assert {tag for tag in carried if int(tag[1:]) > LESSONS[tag[0].upper()]} == set()
