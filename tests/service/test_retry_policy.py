"""The retry rules (see docs/api.md, Reasons) as a table: which step follows which failed attempt."""

from datetime import UTC, datetime, timedelta

import pytest

from maitred.domain.reasons import Category, Reason, ReasonCode
from maitred.services.job.retry_policy import Failed, GiveUp, InlineResult, Retry, RetryRules, Stop, next_step

NOW = datetime(2026, 12, 4, 12, 0, tzinfo=UTC)
FAR = NOW + timedelta(days=1)
INFORMED, STANDARD = RetryRules(4), RetryRules(4, informed=False)
HOPELESS = InlineResult("inline", Category.DETERMINISTIC)
UNLUCKY = InlineResult("inline", Category.TRANSIENT)
FINAL = [
    ReasonCode.PARTY_TOO_LARGE,
    ReasonCode.OUTSIDE_SERVICE,
    ReasonCode.SERVICE_OVERRUN,
    ReasonCode.CLOSED,
]
DETERMINISTIC = [code for code in ReasonCode if code.category is Category.DETERMINISTIC and code not in FINAL]
NOT_TRIED = [ReasonCode.RATE_LIMITED, ReasonCode.CIRCUIT_OPEN]
TRANSIENT = [code for code in ReasonCode if code.category is Category.TRANSIENT and code not in NOT_TRIED]


def step(
    code: ReasonCode,
    attempt: int,
    inline: InlineResult | None = None,
    rules: RetryRules = INFORMED,
    *,
    last_start: datetime = FAR,
    jitter: float = 0.999,
) -> Retry | GiveUp | Stop:
    return next_step(rules, Failed(Reason(code, "why"), attempt, inline, NOW, last_start, jitter))


@pytest.mark.parametrize("code", DETERMINISTIC)
@pytest.mark.parametrize(
    ("inline", "allowed", "reduced_by"),
    [
        (None, 2, "deterministic_reason"),
        (UNLUCKY, 2, "deterministic_reason"),
        (HOPELESS, 1, "fresh_inline_result"),
    ],
)
def test_t3_a_hopeless_booking_is_not_tried_four_times(
    code: ReasonCode, inline: InlineResult | None, allowed: int, reduced_by: str
) -> None:
    *tried, last = [step(code, attempt, inline) for attempt in range(1, allowed + 1)]
    assert all(isinstance(each, Retry) for each in tried)
    assert isinstance(last, GiveUp)
    assert last.reason.code is code
    assert (last.allowed.attempts, last.allowed.reduced_by) == (allowed, reduced_by)


@pytest.mark.parametrize("code", FINAL)
@pytest.mark.parametrize("inline", [None, UNLUCKY, HOPELESS])
def test_what_only_another_floor_changes_is_not_tried_again(
    code: ReasonCode, inline: InlineResult | None
) -> None:
    given_up = step(code, 1, inline)
    assert isinstance(given_up, GiveUp)
    assert (given_up.reason.code, given_up.allowed.attempts) == (code, 1)
    assert isinstance(step(code, 1, inline, STANDARD), Retry)


def on_hold_until(until: datetime | None, code: ReasonCode = ReasonCode.HOLD_CONFLICT) -> datetime:
    failed = Failed(Reason(code, "why"), 1, None, NOW, FAR, 0.999, on_hold_until=until)
    found = next_step(INFORMED, failed)
    assert isinstance(found, Retry)
    return found.at


def test_where_only_holds_stand_in_the_way_the_next_attempt_waits_for_the_first_to_expire() -> None:
    pause, later = timedelta(seconds=5), NOW + timedelta(minutes=4)
    assert on_hold_until(later) == later + pause
    assert on_hold_until(NOW - pause) == NOW + pause
    assert on_hold_until(None) == NOW + pause
    assert on_hold_until(later, ReasonCode.CONFLICT) == NOW + pause


@pytest.mark.parametrize("code", [*TRANSIENT, ReasonCode.SEARCH_TRUNCATED])
@pytest.mark.parametrize("inline", [None, UNLUCKY, HOPELESS])
def test_what_may_pass_is_tried_four_times_with_growing_pauses(
    code: ReasonCode, inline: InlineResult | None
) -> None:
    for attempt, seconds in enumerate((5, 15, 45), 1):
        found = step(code, attempt, inline)
        assert isinstance(found, Retry)
        assert (found.at, found.attempt) == (NOW + timedelta(seconds=seconds), attempt + 1)
        assert (found.allowed.attempts, found.allowed.reduced_by) == (4, None)
    assert isinstance(step(code, 4, inline), GiveUp)


@pytest.mark.parametrize("rules", [INFORMED, STANDARD])
@pytest.mark.parametrize("code", NOT_TRIED)
@pytest.mark.parametrize("attempt", [1, 4, 9])
def test_what_was_not_tried_uses_up_no_attempt(code: ReasonCode, attempt: int, rules: RetryRules) -> None:
    found = step(code, attempt, rules=rules)
    assert isinstance(found, Retry)
    assert found.attempt == attempt
    assert NOW < found.at <= NOW + timedelta(seconds=30)


@pytest.mark.parametrize("code", NOT_TRIED)
def test_t8_what_was_not_tried_ends_with_the_cut_off(code: ReasonCode) -> None:
    found = step(code, 1, last_start=NOW + timedelta(seconds=29))
    assert isinstance(found, GiveUp)
    assert found.reason.code is ReasonCode.CUTOFF


def test_our_own_fault_is_retried_once_and_left_to_the_queue_then() -> None:
    assert isinstance(step(ReasonCode.PLANNER_ERROR, 1), Retry)
    stopped = step(ReasonCode.PLANNER_ERROR, 2)
    assert isinstance(stopped, Stop)
    assert (stopped.allowed.attempts, stopped.allowed.reduced_by) == (2, "internal_error")


@pytest.mark.parametrize("code", [ReasonCode.NO_CAPACITY, ReasonCode.CONFLICT, ReasonCode.SEARCH_TRUNCATED])
@pytest.mark.parametrize("inline", [None, HOPELESS])
def test_the_standard_policy_is_four_attempts_for_any_reason(
    code: ReasonCode, inline: InlineResult | None
) -> None:
    steps = [step(code, attempt, inline, STANDARD) for attempt in (1, 2, 3, 4)]
    assert [type(each) for each in steps] == [Retry, Retry, Retry, GiveUp]
    assert {(each.allowed.attempts, each.allowed.reduced_by) for each in steps} == {(4, None)}


@pytest.mark.parametrize("allowed", [1, 2])
def test_a_setting_below_the_reduction_is_not_raised_by_it(allowed: int) -> None:
    found = step(ReasonCode.NO_CAPACITY, allowed, rules=RetryRules(allowed))
    assert isinstance(found, GiveUp)
    assert (found.allowed.attempts, found.allowed.reduced_by) == (allowed, None)


def test_t5_no_attempt_is_planned_for_after_the_cut_off() -> None:
    retry = step(ReasonCode.CONFLICT, 1, last_start=NOW + timedelta(seconds=5))
    assert isinstance(retry, Retry)
    late = step(ReasonCode.CONFLICT, 1, last_start=NOW + timedelta(seconds=4))
    assert isinstance(late, GiveUp)
    assert (late.reason.code, late.reason.detail.endswith("why")) == (ReasonCode.CUTOFF, True)


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 1), (0.5, 8), (0.999, 15)])
def test_the_pause_is_drawn_from_the_whole_of_its_range(jitter: float, seconds: int) -> None:
    found = step(ReasonCode.CONFLICT, 2, jitter=jitter)
    assert isinstance(found, Retry)
    assert found.at == NOW + timedelta(seconds=seconds)


def test_pauses_stop_growing_at_fifteen_minutes() -> None:
    many = RetryRules(20)
    longest = max(step_at(many, attempt) for attempt in range(1, 20))
    assert longest <= timedelta(minutes=15)


def step_at(rules: RetryRules, attempt: int) -> timedelta:
    found = step(ReasonCode.CONFLICT, attempt, rules=rules)
    assert isinstance(found, Retry)
    return found.at - NOW
