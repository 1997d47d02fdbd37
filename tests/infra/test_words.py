"""One name for one thing: words that meant five things are gone, and no two classes share a name."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("layers/shared/maitred", "functions")
CODE = (*PRODUCT, "localstack", "demo", "ops", "tools", "bench", "tests")
#: ``held`` was flags, tables, holds, leases and locks; ``told`` was bodies, events, lines, texts and replies.
RETIRED = frozenset({"held", "told"})


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def identifiers(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.keyword(arg=str(name)):
                yield name


@pytest.mark.parametrize("path", sources(*CODE), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_retired_word_is_an_identifier(path: Path) -> None:
    found = {name for name in identifiers(ast.parse(path.read_text())) if name.strip("_") in RETIRED}
    assert found == set()


def test_no_two_classes_of_the_product_share_a_name() -> None:
    names = Counter(
        node.name
        for path in sources(*PRODUCT)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []


def test_documents_are_cited_by_name_not_by_number() -> None:
    """A reader can open docs/api.md, and cannot open a section of a text that is not here."""
    cited = re.compile(r"contract \d|contract section", re.IGNORECASE)
    texts = [path for suffix in ("py", "sql", "md", "yaml", "js") for path in _tracked(suffix)]
    assert [
        path.as_posix() for path in texts if path != Path(__file__) and cited.search(path.read_text())
    ] == []


def _tracked(suffix: str) -> Iterator[Path]:
    folders = [*CODE, "docs", "events"]
    yield from (path for folder in folders for path in (ROOT / folder).rglob(f"*.{suffix}"))
    yield from ROOT.glob(f"*.{suffix}")
