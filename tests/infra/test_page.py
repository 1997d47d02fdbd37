"""The local stack's page stays local."""

import re
from pathlib import Path

import pytest

from localstack.build import build
from localstack.page.site import STATIC
from tests.infra.template import ROOT


def test_the_template_knows_nothing_of_the_page() -> None:
    assert "_local" not in (ROOT / "template.yaml").read_text()


@pytest.mark.stack
@pytest.mark.timeout(660)  # it may have to build first
def test_nothing_of_the_page_is_built() -> None:
    ours = {
        path.name
        for path in (ROOT / "localstack" / "page").rglob("*")
        if path.suffix in {".js", ".css", ".html"}
    }
    assert len(ours) > 4
    built = build().parent
    assert [path for path in built.rglob("*") if path.name in ours] == []


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.*")), ids=lambda path: path.name)
def test_the_page_names_no_address_elsewhere(path: Path) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text()) == []


@pytest.mark.parametrize("path", sorted((STATIC / "host").glob("*.js")), ids=lambda path: path.name)
def test_the_hosts_view_knows_nothing_of_the_local_stack(path: Path) -> None:
    """So that it can be deployed: it stands on itself and the helpers that make elements."""
    text = path.read_text()
    imports = set(re.findall(r'from "([^"]+)"', text))
    assert {each for each in imports if not each.startswith("./")} <= {"../dom.js"}
    assert not re.search(r"_local|page-token|localhost|127\.0\.0\.1", text)


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.js")), ids=lambda path: path.name)
def test_no_words_become_markup(path: Path) -> None:
    """What a guest wrote is text: elements are made, and nothing is parsed."""
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(", path.read_text()
    )
