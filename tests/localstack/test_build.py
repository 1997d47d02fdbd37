"""When the template is built again, and what becomes of earlier builds."""

from pathlib import Path

import pytest

from localstack.build import BUILDS_KEPT, BuildError, _fingerprint, _forget_old, _keep, _run


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("functions/one/app.py", "layers/shared/requirements.txt", "template.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path


@pytest.mark.parametrize("name", ["functions/one/app.py", "layers/shared/requirements.txt", "template.yaml"])
def test_every_source_counts(project: Path, name: str) -> None:
    before = _fingerprint(project)
    assert _fingerprint(project) == before
    (project / name).write_text("other")
    assert _fingerprint(project) != before


def test_a_new_a_removed_and_a_renamed_file_count(project: Path) -> None:
    before = _fingerprint(project)
    (project / "functions/one/new.py").touch()
    added = _fingerprint(project)
    (project / "functions/one/new.py").rename(project / "functions/one/renamed.py")
    assert len({before, added, _fingerprint(project)}) == 3


def test_what_python_leaves_behind_does_not_count(project: Path) -> None:
    before = _fingerprint(project)
    (project / "functions/one/__pycache__").mkdir()
    (project / "functions/one/__pycache__/app.cpython-313.pyc").touch()
    assert _fingerprint(project) == before


def test_a_build_stays_as_it_was_when_the_next_one_replaces_the_output(tmp_path: Path) -> None:
    output, kept = tmp_path / "out", tmp_path / "built-1"
    output.mkdir()
    (output / "app.py").write_text("old")
    _keep(output, kept)
    (output / "app.py").unlink()
    (output / "app.py").write_text("new")
    assert (kept / "app.py").read_text() == "old"


def test_old_builds_are_forgotten(tmp_path: Path) -> None:
    for number in range(BUILDS_KEPT + 2):
        (tmp_path / f"built-{number}").mkdir()
    _forget_old(tmp_path)
    assert len(list(tmp_path.glob("built-*"))) == BUILDS_KEPT


def test_a_failing_tool_is_quoted() -> None:
    with pytest.raises(BuildError, match="no such thing"):
        _run(("/bin/sh", "-c", "echo no such thing >&2; exit 3"))
