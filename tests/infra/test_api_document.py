"""`docs/api.md` names every route, problem code, reason, state and member that the code has, and no other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from maitred.contracts import bookings, floor_document
from maitred.contracts.base import StrictModel
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import ReasonCode
from maitred.domain.states import TRANSITIONS
from maitred.entrypoints import http
from tests.infra.template import ROOT, deployed

TEXT = (ROOT / "docs" / "api.md").read_text()
DOCUMENTS = (
    floor_document.FloorDocument,
    floor_document.PolicyDocument,
    floor_document.PacingDocument,
    floor_document.ServiceDocument,
    floor_document.ClosureDocument,
    floor_document.TableDocument,
    floor_document.CombinationDocument,
    floor_document.SectionDocument,
    floor_document.PauseDocument,
    bookings.AssignmentBody,
)


def _section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def _rows(section: str) -> list[list[str]]:
    """The cells of every table row whose first cell is code."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in section.splitlines()
        if line.startswith("| `")
    ]


def _errors(kind: type[MaitredError]) -> Iterator[type[MaitredError]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _errors(each)


def test_every_route_is_described_and_no_other() -> None:
    (api,) = deployed().of_type("AWS::ApiGatewayV2::Api").values()
    routes = {
        f"{method.upper()} {path}" for path, methods in api["Body"]["paths"].items() for method in methods
    }
    described = re.findall(r"^`((?:GET|POST|PUT|PATCH|DELETE) /\S*)`$", TEXT, re.MULTILINE)
    assert sorted(described) == sorted(routes)


def test_every_problem_code_is_described_with_its_status() -> None:
    assert http.RouteNotFound in set(_errors(MaitredError))
    known = {
        kind.code: kind.status
        for kind in _errors(MaitredError)
        if "code" in vars(kind) or kind is MaitredError
    }
    described = {
        code.strip("`"): int(status) for code, status, *_ in _rows(_section("Errors")) if status.isdigit()
    }
    assert described == known


def test_every_reason_is_described_with_its_category() -> None:
    categories = {code.category.value for code in ReasonCode}
    rows = [row for row in _rows(_section("Reasons")) if row[1] in categories]
    assert {code.strip("`"): category for code, category, *_ in rows} == {
        code.value: code.category.value for code in ReasonCode
    }


def test_the_table_of_states_is_the_machine() -> None:
    described = {
        source.strip("`"): set(re.findall(r"`(\w+)`", targets))
        for source, targets in _rows(_section("States"))
    }
    assert described == {
        source.value: {target.value for target in targets} for source, targets in TRANSITIONS.items()
    }


@pytest.mark.parametrize("model", DOCUMENTS)
def test_every_member_is_described_with_its_default(model: type[StrictModel]) -> None:
    described = {(name.strip("`"), default) for name, default, *_ in _rows(TEXT)}
    for name, field in model.model_fields.items():
        member = field.alias or name
        assert member in {each for each, _ in described}
        default = None if field.is_required() else field.get_default(call_default_factory=True)
        if isinstance(default, bool | int | str):
            assert (member, f"`{json.dumps(default)}`") in described


def test_every_example_is_json() -> None:
    examples = re.findall(r"^```json\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    assert examples
    assert all(json.loads(example) is not None for example in examples)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").rglob("*.md")), ids=lambda path: path.name)
def test_every_link_of_the_documents_leads_somewhere(path: Path) -> None:
    for target, anchor in re.findall(r"\]\(([\w./-]*)(?:#([\w-]+))?\)", path.read_text()):
        file = path.parent / target if target else path
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, (target, anchor)


def test_every_file_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = re.findall(r"`([\w/]+/(?:[\w]+\.(?:py|md))?)`", text)
    assert named
    places = (ROOT, ROOT / "layers" / "shared" / "maitred")
    assert [name for name in named if not any((place / name).exists() for place in places)] == []
