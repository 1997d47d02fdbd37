"""The local stack's page stays local, and what it carries is what was taken."""

import hashlib
import re
from pathlib import Path

import pytest

from localstack.build import build
from localstack.page.site import STATIC
from tests.infra.template import ROOT


def test_the_template_knows_nothing_of_the_page() -> None:
    assert "_local" not in (ROOT / "template.yaml").read_text()


def test_what_is_deployed_imports_nothing_that_is_local() -> None:
    pattern = re.compile(r"^\s*(?:from|import) local\b", re.MULTILINE)
    shipped = [*(ROOT / "layers").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    assert shipped
    assert [path for path in shipped if pattern.search(path.read_text())] == []


@pytest.mark.stack
@pytest.mark.timeout(660)  # it may have to build first
def test_nothing_of_the_page_is_built() -> None:
    ours = {
        path.name
        for path in (ROOT / "localstack" / "page").rglob("*")
        if path.suffix in {".js", ".css", ".html"}
    }
    assert len(ours) > 5
    built = build().parent
    assert [path for path in built.rglob("*") if path.name in ours] == []


def test_the_library_for_the_plots_is_the_one_that_the_readme_names() -> None:
    named = re.search(
        r"`(uPlot\.iife\.min\.js)` with the SHA-256\s+`([0-9a-f]{64})`", (ROOT / "README.md").read_text()
    )
    assert named
    content = (STATIC / "vendor" / named[1]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == named[2]
    assert "MIT" in (STATIC / "vendor" / "uPlot.LICENSE").read_text()


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.*")), ids=lambda path: path.name)
def test_the_page_names_no_address_elsewhere(path: Path) -> None:
    assert re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", path.read_text()) == []
