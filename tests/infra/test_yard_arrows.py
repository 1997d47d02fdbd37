"""What is not deployed is products of their own: which folder may import which, and no circles."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.infra.template import ROOT

#: What the modules of each folder may import of the others. A folder without a row fails. Tests have no row:
#: they may import everything.
ARROWS: dict[str, set[str]] = {
    "tools": {"maitred"},
    "tools/openapi": {"maitred"},
    "localstack/page": {"maitred"},
    "localstack": {"localstack/page", "tools"},
    "ops": {"maitred", "localstack"},
    "demo": {"maitred", "localstack", "ops"},
    "bench": {"maitred", "localstack", "tests"},
}
TOPS = {folder.partition("/")[0] for folder in ARROWS}
OURS = TOPS | {"maitred", "tests", "functions"}
SOURCES = sorted(path for top in TOPS for path in (ROOT / top).rglob("*.py"))


def folder_of(path: Path) -> str:
    return path.relative_to(ROOT).parent.as_posix()


def imported(path: Path) -> Iterator[str]:
    """Modules of ours that a module imports, also inside its functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in OURS)


def folder_of_module(name: str) -> str:
    parts = name.split(".")
    if parts[0] not in TOPS:
        return parts[0]
    while not (ROOT.joinpath(*parts).is_dir() or ROOT.joinpath(*parts).with_suffix(".py").is_file()):
        parts = parts[:-1]  # a name in the module
    found = ROOT.joinpath(*parts)
    return (found if found.is_dir() else found.parent).relative_to(ROOT).as_posix()


def arrows(path: Path) -> set[str]:
    return {folder_of_module(name) for name in imported(path)} - {folder_of(path)}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_imports_only_what_its_folder_may(path: Path) -> None:
    assert arrows(path) - ARROWS[folder_of(path)] == set()


def test_every_folder_has_a_row_and_no_row_is_left_over() -> None:
    assert ARROWS.keys() == {folder_of(path) for path in SOURCES}


def test_no_folders_import_each_other_in_a_circle() -> None:
    found = {
        folder: set().union(*(arrows(path) for path in SOURCES if folder_of(path) == folder))
        for folder in ARROWS
    }
    assert list(TopologicalSorter(found).static_order())


def test_what_is_deployed_imports_none_of_it() -> None:
    shipped = [*(ROOT / "layers").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    assert shipped
    assert [path for path in shipped if {name.partition(".")[0] for name in imported(path)} & TOPS] == []
