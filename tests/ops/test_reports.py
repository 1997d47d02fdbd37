"""The reports for people say what the API says."""

import csv
import io
import json
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pytest

from ops import cli, commands, reports
from ops.target import LOCAL, Target
from tests.harness.problems import call
from tests.harness.service import Service, forget_wiring, house, party


class Caller:
    """Asks the true handler where the other one asks the API."""

    def __init__(self, _: Target) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def call(self, method: str, path: str, _: Any) -> tuple[str, dict[str, Any]]:
        address = urlsplit(path)
        answer = call("operations", method, address.path, query=dict(parse_qsl(address.query)))
        return str(answer.status), answer.json


@pytest.fixture
def played(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """One of two parties gets the table of `harbour`; `other` seats both."""
    monkeypatch.setenv("ASSIGNMENT_PIPELINE", "shadow")
    forget_wiring()
    found = Target(LOCAL, "", "token", None, None, {}, {}, {}, sends_mail=False)
    monkeypatch.setattr(commands, "local_target", lambda: found)
    monkeypatch.setattr(reports, "Caller", Caller)
    for name, document in (("harbour", house(2)), ("other", house(2, 2))):
        assert service.put_restaurant(name, document).status == 201
        for _ in range(2):
            assert service.book(name, party(2)).status == 201
    return service


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    assert cli.main(arguments) == code
    out, err = capsys.readouterr()
    return "\n".join(line for line in (out if code == 0 else err).splitlines() if '"_aws"' not in line)


def test_json_is_the_answer_of_the_api(played: Service, capsys: pytest.CaptureFixture[str]) -> None:
    printed = json.loads(said(capsys, "report", "harbour", "--format", "json"))
    assert printed["bookings"]["made"] == 2
    assert printed["flows"]["inline"]["outcomes"] == {"confirmed": 1, "deferred": 1}
    assert printed["reasons"] == {"deterministic": {"no_capacity": 1}}


def test_two_restaurants_side_by_side(played: Service, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "report", "harbour", "--versus", "other", "--format", "csv")
    head, *lines = csv.reader(io.StringIO(text))
    assert (head[0], head[3], len(head)) == ("figure", "change", 4)
    by_name = {line[0]: line[1:] for line in lines}
    assert by_name["flows.inline.outcomes.confirmed"] == ["1", "2", "1.0"]
    assert by_name["reasons.deterministic.no_capacity"] == ["1", "", ""]
    assert by_name["bookings.made"] == ["2", "2", "0.0"]


def test_two_times_side_by_side(played: Service, capsys: pytest.CaptureFixture[str]) -> None:
    times = ("2026-01-01..2026-01-02", "2026-02-01T10:00:00Z..2026-02-02T10:00:00Z")
    printed = json.loads(said(capsys, "report", "harbour", "--compare", *times, "--format", "json"))
    assert [each["bookings"]["made"] for each in printed["reports"]] == [0, 0]
    assert printed["changes"]["bookings.made"] is None


def test_two_cohorts_side_by_side(
    played: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSIGNMENT_PIPELINE", "on")
    forget_wiring()
    assert played.book("harbour", party(2)).status == 201
    flags = ("--cohort", "assignment_pipeline=shadow", "assignment_pipeline=on")
    printed = json.loads(said(capsys, "report", "harbour", *flags, "--with", "other", "--format", "json"))
    assert [each["bookings"]["made"] for each in printed["reports"]] == [4, 1]
    assert printed["changes"]["bookings.made"] == -0.75
    first, second, heads, *_ = said(capsys, "report", "harbour", "--with", "*", *flags).splitlines()
    assert first.startswith("A: harbour and 1 more assignment_pipeline=shadow 20")
    assert second.startswith("B: harbour and 1 more assignment_pipeline=on 20")
    assert heads.split() == ["A", "B"]
    both = ("--cohort", "planner_cache=true", "--versus", "other")
    assert json.loads(said(capsys, "report", "harbour", *both, "--format", "json"))["reports"]
    assert "is one of off, shadow, on" in said(
        capsys, "report", "harbour", "--cohort", "assignment_pipeline=maybe", code=2
    )


def test_the_page_needs_nothing_else_and_shows_every_figure(
    played: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    page = said(capsys, "report", "harbour", "--versus", "other", "--format", "html")
    assert page.count("<svg") >= 3
    assert not any(mark in page for mark in ("<script", "src=", "href=", "url(", "http"))
    assert "<td>flows.inline.outcomes.confirmed</td><td>1</td><td>2</td><td>  +100.0%</td>" in page


def test_the_table(played: Service, capsys: pytest.CaptureFixture[str]) -> None:
    lines = said(capsys, "report", "harbour").splitlines()
    [made] = [line for line in lines if line.startswith("bookings.made ")]
    assert made.split() == ["bookings.made", "2"]


def test_what_the_shadow_would_have_changed(played: Service, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "shadow-report", "harbour")
    assert "2 decisions of the plain planner" in text
    assert "     2  same" in text
    assert "0 more parties seated, 0 fewer\n0 decisions that move other bookings" in text
    printed = json.loads(said(capsys, "report", "harbour", "--format", "json"))
    events = [each for each in played.events("auto_assign.quote") if each["flow"] == "shadow"]
    assert printed["shadow"] == {"compared": 2, "kinds": {"same": 2}, "parties": {"same": 2}, "withMoves": 0}
    assert len(events) == 4  # of both restaurants
    assert "nothing was compared" in said(capsys, "shadow-report", "harbour", "--to", "2026-01-01")


def test_what_cannot_be_told_is_one_line(played: Service, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "report", "nowhere", code=2).startswith("no report: 404")
    assert "must lie after from" in said(
        capsys, "report", "harbour", "--from", "2026-02-01", "--to", "2026-01-01", code=2
    )
    both = ("--versus", "other", "--compare", "2026-01-01..2026-01-02", "2026-01-01..2026-01-02")
    assert (
        said(capsys, "report", "harbour", *both, code=2)
        == "give only one comparison: two times, two restaurants or two cohorts"
    )


def test_a_figure_from_nothing_has_no_change() -> None:
    assert [reports.change(each) for each in ([0, 1], [None, 1], [2, None], [4, 5], [4])] == [
        None,
        None,
        None,
        0.25,
        None,
    ]
