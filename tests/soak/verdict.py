"""Was anything lost, done twice, or left without an explanation?"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta

from maitred.services.upkeep.checks import ALWAYS, IN_TIME, Check
from tests.evenings.book import at_one_table_by_history
from tests.harness.consistency import inspected
from tests.harness.databases import TestDatabase
from tests.soak.client import Report

#: What a booking may be in the end, by what its client was told of last. The clock declines what is
#: unanswered.
_ENDS: Mapping[str, frozenset[str]] = {
    "open": frozenset({"confirmed", "manual_review", "declined"}),
    **{state: frozenset({state}) for state in ("cancelled", "seated", "completed", "no_show", "declined")},
}
#: A booking that was declined without anybody's doing: the clock may do that once its start has come.
_DECLINED_EARLY = """
select h.booking_id::text from booking_state_history h join bookings b on b.id = h.booking_id
where h.to_state = 'declined' and h.actor_id = 'clock' and h.created_at < b.start_at"""
_TOGETHER = "select count(*) from allocations where seated"
_UNEXPLAINED = """
select b.id::text from bookings b
left join lateral (select h.reason from booking_state_history h
                   where h.booking_id = b.id order by h.id desc limit 1) last on true
where b.auto_assign_last_result ->> 'attemptId' is null
   or b.state = 'manual_review' and last.reason is null
      and b.auto_assign_last_result -> 'reason' ->> 'code' is null"""
#: The clock goes on: what it sets off once all else has ended is nobody's any more.
_JUST_NOW = timedelta(seconds=20)
_UNENDED = """
select id::text from notifications
where state not in ('sent', 'skipped', 'parked') and created_at < now() - %s::interval"""


def judge(database: TestDatabase, reports: Sequence[Report], mails: Sequence[str], left: int) -> list[Check]:
    """The invariants, and the database against what the clients saw. ``left``: what never ended."""
    stored = {str(key): str(state) for key, state in database.query("select id::text, state from bookings")}
    expected = {key: state for report in reports for key, state in report.expected.items()}
    answers = sum((report.answers for report in reports), Counter[tuple[str, str]]())
    requests = answers.total() + sum(report.unanswered for report in reports)
    retried = sum((report.retried for report in reports), Counter[str]())
    own = [
        _check("everything that was set off has ended", len(stored), [f"{left} things"] * bool(left)),
        _check("every request was answered in the end", requests, _unanswered(reports)),
        _check("no answer was a defect", requests, [code for code in retried if code.startswith("500")]),
        _check(
            "every repeated request got its first answer",
            sum(report.repeated for report in reports),
            [path for report in reports for path in report.differing],
        ),
        _check("the bookings are those the clients made", len(stored), stored.keys() ^ expected.keys()),
        _check("each ended as its client was told", len(expected), _surprises(stored, expected)),
        _check(
            "every booking has its result, every case for a person its reason",
            len(stored),
            [key for (key,) in database.query(_UNEXPLAINED)],
        ),
        _check(
            "no two parties ever sat at one table",
            database.value(_TOGETHER),
            at_one_table_by_history(database),
        ),
        _check(
            "the clock declines nobody before the start",
            len(stored),
            [key for (key,) in database.query(_DECLINED_EARLY)],
        ),
        _check("every letter has ended", len(mails), [key for (key,) in database.query(_UNENDED, _JUST_NOW)]),
        _check("no letter was sent twice", len(mails), _twice(mails)),
    ]
    return [*inspected(database, {**ALWAYS, **IN_TIME}, _JUST_NOW), *own]


def _check(name: str, checked: int, wrong: Sequence[str] | set[str]) -> Check:
    return Check(name, checked, len(wrong), tuple(sorted(wrong)[:5]))


def _unanswered(reports: Sequence[Report]) -> list[str]:
    return [f"client {number}" for number, report in enumerate(reports) for _ in range(report.unanswered)]


def _surprises(stored: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    return [
        f"{key} is {stored[key]}, its client was told {state}"
        for key, state in expected.items()
        if key in stored and stored[key] not in _ENDS[state]
    ]


def _twice(mails: Sequence[str]) -> list[str]:
    return [key for key, count in Counter(mails).items() if count > 1]
