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


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.*")), ids=lambda path: path.name)
def test_the_page_names_no_address_elsewhere(path: Path) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text()) == []
