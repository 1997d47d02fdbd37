-- The outbox and its relay.

-- name: claim_outbox
-- Lease the oldest rows that are due within the queue's longest delay; other relays skip them. A booking's
-- rows go in order: a row waits while an earlier row that is due no later is unsent.
update outbox o
set claimed_until = %(now)s::timestamptz + make_interval(secs => %(lease_seconds)s)
from (select n.id from outbox n
      where n.sent_at is null and n.dead_at is null and n.claimed_until <= %(now)s and n.due_at <= %(horizon)s
        and not exists (select from outbox e
                        where e.booking_id = n.booking_id and e.topic = n.topic and e.id < n.id
                          and e.due_at <= n.due_at and e.sent_at is null and e.dead_at is null)
      order by n.id limit %(limit)s for update skip locked) due
where o.id = due.id
returning o.id, o.topic, o.payload, o.correlation_id, o.due_at, o.attempts

-- name: mark_sent
update outbox set sent_at = now() where id = any (%(ids)s) and sent_at is null

-- name: mark_failed
update outbox o
set attempts = o.attempts + 1, last_error = n.error, claimed_until = n.again,
    dead_at = case when n.dead then now() end
from jsonb_to_recordset(%(rows)s) as n(id bigint, error text, again timestamptz, dead boolean)
where o.id = n.id and o.sent_at is null

-- name: outbox_state
select count(*) filter (where dead_at is null),
       coalesce(extract(epoch from %(now)s::timestamptz - min(due_at)
                filter (where dead_at is null and due_at <= %(now)s)) * 1000, 0)::double precision,
       count(*) filter (where dead_at is not null)
from outbox where sent_at is null

-- name: dead_outbox
-- Without the payload, because a letter's payload contains the guest's address.
select id, topic, booking_id, restaurant_id, attempts, last_error, created_at, dead_at
from outbox where sent_at is null and dead_at is not null order by id limit %(limit)s

-- name: revive_outbox
with revived as (
    update outbox set dead_at = null, attempts = 0, claimed_until = '-infinity'
    where id in (select id from outbox where sent_at is null and dead_at is not null
                 order by id limit %(limit)s for update skip locked)
    returning 1)
select count(*) from revived
