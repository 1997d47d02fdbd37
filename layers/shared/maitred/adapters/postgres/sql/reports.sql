-- The figures of the report on assignments: rows of `restaurants` written in [start, end), under these `flags`
-- (all rows if empty). Events of older versions do not record their flags. `figures` are count, sum, median, 95th
-- and 99th percentile.

-- name: report_timezones
select id, timezone from restaurants where %(everywhere)s or id = any(%(restaurants)s)

-- name: report_runs
-- One summary event for each run, however it ended.
select context ->> 'flow' as flow, context ->> 'result' as result, count(*) as runs,
    count(*) filter (where (context -> 'emailSkipped')::boolean) as emails_skipped
from observability_events
where restaurant_id = any(%(restaurants)s) and event_type = 'auto_assign.summary'
    and created_at >= %(start)s and created_at < %(end)s
    and coalesce(context -> 'flags', '{}') @> %(flags)s
group by 1, 2 order by 1, 2

-- name: report_run_figures
select context ->> 'flow' as flow, what.measure, count(what.value), sum(what.value),
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by what.value)
from observability_events,
    lateral (values ('duration', (context -> 'totalDurationMs')::float8),
                    ('attempts', (context -> 'attemptsUsed')::float8)) what (measure, value)
where restaurant_id = any(%(restaurants)s) and event_type = 'auto_assign.summary'
    and created_at >= %(start)s and created_at < %(end)s
    and coalesce(context -> 'flags', '{}') @> %(flags)s
group by 1, 2 order by 1, 2

-- name: report_planner_figures
select context ->> 'flow' as flow, count(*), sum((context -> 'plannerDurationMs')::float8),
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by (context -> 'plannerDurationMs')::float8)
from observability_events
where restaurant_id = any(%(restaurants)s) and event_type = 'auto_assign.quote'
    and created_at >= %(start)s and created_at < %(end)s
    and coalesce(context -> 'flags', '{}') @> %(flags)s
group by 1 order by 1

-- name: report_planned_bookings
-- The planner's calls for bookings. A refusal that keeps no booking does not count.
select count(*), count(distinct booking_id) from observability_events
where restaurant_id = any(%(restaurants)s) and event_type = 'auto_assign.quote'
    and context ->> 'flow' <> 'shadow' and booking_id is not null
    and created_at >= %(start)s and created_at < %(end)s
    and coalesce(context -> 'flags', '{}') @> %(flags)s

-- name: report_attempts
select flow, outcome, reason ->> 'category' as category, reason ->> 'code' as code, count(*)
from booking_assignment_attempts
where restaurant_id = any(%(restaurants)s) and created_at >= %(start)s and created_at < %(end)s
    and flags @> %(flags)s
group by 1, 2, 3, 4 order by 1, 2, 3, 4

-- name: report_strategies
-- What each strategy brought. `alone`: it was chosen, and no other strategy proposed the same tables. `covers`: the
-- guests that it seated, by the size their booking has now; the attempt of a party that was refused has no booking.
select each ->> 'name' as name, count(*) as asked, count(*) filter (where each ->> 'best' is not null) as proposed,
    count(*) filter (where chosen) as chosen,
    count(*) filter (where chosen and not exists (
        select from jsonb_array_elements(a.strategies) other
        where other ->> 'name' <> each ->> 'name' and other -> 'best' = each -> 'best')) as alone,
    coalesce(sum(b.party_size) filter (where chosen), 0)::bigint as covers
from booking_assignment_attempts a
cross join lateral jsonb_array_elements(a.strategies) each
cross join lateral (select a.outcome = 'confirmed' and (each -> 'chosen')::boolean as chosen) won
left join bookings b on b.id = a.booking_id
where a.restaurant_id = any(%(restaurants)s) and a.created_at >= %(start)s and a.created_at < %(end)s
    and a.flags @> %(flags)s
group by 1 order by 1

-- name: report_attempt_figures
select flow, count(*), sum(duration_ms),
    percentile_cont(array[0.5, 0.95, 0.99]) within group (order by duration_ms)
from booking_assignment_attempts
where restaurant_id = any(%(restaurants)s) and created_at >= %(start)s and created_at < %(end)s
    and flags @> %(flags)s
group by 1 order by 1

-- name: report_reductions
-- Jobs that ended early because of their reason, and the bookings among them that the job confirmed after all:
-- soon (while the saved attempts would have run) or at any time.
select cut.context ->> 'reducedBy' as reduced_by, count(*) as runs,
    count(*) filter (where seated.at < cut.created_at + make_interval(secs => %(soon_seconds)s)) as soon,
    count(seated.at) as ever
from observability_events cut
left join lateral (
    select min(a.created_at) as at from booking_assignment_attempts a
    where a.booking_id = cut.booking_id and a.outcome = 'confirmed' and a.flow = 'job'
        and a.created_at > cut.created_at
) seated on true
where cut.restaurant_id = any(%(restaurants)s) and cut.event_type = 'auto_assign.summary'
    and cut.context ->> 'result' = 'manual_review' and cut.context ->> 'reducedBy' is not null
    and cut.created_at >= %(start)s and cut.created_at < %(end)s
    and coalesce(cut.context -> 'flags', '{}') @> %(flags)s
group by 1 order by 1

-- name: report_bookings
-- Bookings made in that time, by their present state; for a cohort, those with an attempt in it.
select state, count(*) from bookings b
where restaurant_id = any(%(restaurants)s) and created_at >= %(start)s and created_at < %(end)s
    and (%(flags)s = '{}' or (
        select true from booking_assignment_attempts a where a.booking_id = b.id and a.flags @> %(flags)s limit 1))
group by 1 order by 1

-- name: report_differences
-- The full planner's decisions beside the plain one's. A party with several attempts counts once.
select context #>> '{difference,kind}' as kind, count(*) as decisions,
    count(distinct coalesce(booking_id::text, id::text)) as parties,
    count(*) filter (where (context #>> '{difference,moves}')::integer > 0) as with_moves
from observability_events
where restaurant_id = any(%(restaurants)s) and event_type = 'auto_assign.quote'
    and context ->> 'flow' = 'shadow' and created_at >= %(start)s and created_at < %(end)s
    and coalesce(context -> 'flags', '{}') @> %(flags)s
group by 1 order by 1
