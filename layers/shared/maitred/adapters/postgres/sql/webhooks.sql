-- Webhooks. The functions `lease_webhook` and `queued_webhooks` are in migration 0016.

-- name: webhooks_of
-- A row without a webhook if there is none, and no row without a restaurant.
select r.id, w.id, w.url, w.events, w.secret, w.digest, w.previous_secret, w.previous_until, w.position, w.attempts,
       w.first_failed_at, w.failing_since, w.disabled_at, w.created_at, w.updated_at, r.contact_email
from restaurants r
left join webhooks w on w.restaurant_id = r.id
where r.id = %(restaurant_id)s
order by w.id collate "C"

-- name: read_webhook
select w.restaurant_id, w.id, w.url, w.events, w.secret, w.digest, w.previous_secret, w.previous_until, w.position,
       w.attempts, w.first_failed_at, w.failing_since, w.disabled_at, w.created_at, w.updated_at, r.contact_email
from webhooks w
join restaurants r on r.id = w.restaurant_id
where w.restaurant_id = %(restaurant_id)s and w.id = %(webhook_id)s

-- name: lease_webhook
select w.restaurant_id, w.id, w.url, w.events, w.secret, w.digest, w.previous_secret, w.previous_until, w.position,
       w.attempts, w.first_failed_at, w.failing_since, w.disabled_at, w.created_at, w.updated_at, r.contact_email
from lease_webhook(%(restaurant_id)s, %(webhook_id)s, %(token)s, %(seconds)s, %(now)s) w
join restaurants r on r.id = w.restaurant_id

-- name: pending_changes
-- With each the restaurant's last position, which one reading shows together with all changes up to it.
select f.position, c.position, c.type, c.at, c.booking
from feeds f
left join lateral (
    select * from booking_changes b
    where b.restaurant_id = f.restaurant_id and b.position > %(after)s and b.type = any (%(types)s)
    order by b.position
    limit %(limit)s) c on true
where f.restaurant_id = %(restaurant_id)s
order by c.position

-- name: read_change
select position, type, at, booking from booking_changes
where restaurant_id = %(restaurant_id)s and position = %(position)s

-- name: webhook_delivered
update webhooks
set position = %(position)s, attempts = 0, first_failed_at = null, failing_since = null,
    lease_until = clock_timestamp() + make_interval(secs => %(seconds)s)
where restaurant_id = %(restaurant_id)s and id = %(webhook_id)s and lease_token = %(token)s
returning 1

-- name: release_webhook
update webhooks
set position = greatest(position, %(position)s), awaited = false,
    lease_token = case when awaited then lease_token end,
    lease_until = case when awaited then clock_timestamp() + make_interval(secs => %(seconds)s) end
where restaurant_id = %(restaurant_id)s and id = %(webhook_id)s and lease_token = %(token)s
returning lease_token is not null

-- name: lock_feed
-- From here on no change of the restaurant commits before this transaction has.
insert into feeds (restaurant_id, position) values (%(restaurant_id)s, 0)
on conflict (restaurant_id) do update set position = feeds.position

-- name: put_webhook
-- A new one is told of what happens from now on. A new secret signs beside the present one for a while. Who wrote
-- meanwhile makes this void.
with put as (
    insert into webhooks as w (restaurant_id, id, url, events, secret, digest, position, created_at, updated_at)
    select f.restaurant_id, %(webhook_id)s, %(url)s, %(events)s, %(secret)s, %(digest)s, f.position, %(at)s, %(at)s
    from feeds f
    where f.restaurant_id = %(restaurant_id)s
      and (%(before)s::text is not null
           or (select count(*) from webhooks o where o.restaurant_id = f.restaurant_id) < %(most)s)
    on conflict (restaurant_id, id) do update
        set url = excluded.url, events = excluded.events, updated_at = excluded.updated_at,
            previous_secret = case when w.digest <> excluded.digest then w.secret else w.previous_secret end,
            previous_until = case when w.digest <> excluded.digest
                                  then excluded.updated_at + %(overlap)s else w.previous_until end,
            secret = excluded.secret, digest = excluded.digest,
            attempts = 0, first_failed_at = null, failing_since = null, disabled_at = null, next_try_at = '-infinity'
        where w.digest = %(before)s
    returning 1
)
select require_one(count(*), 'MTR01') from put

-- name: delete_webhook
delete from webhooks where restaurant_id = %(restaurant_id)s and id = %(webhook_id)s

-- name: rest_webhook
-- Only the sender that has the lease says how it went.
with rested as (
    update webhooks
    set position = greatest(position, %(position)s), attempts = coalesce(%(attempts)s, attempts),
        first_failed_at = case when %(attempts)s::integer is null then first_failed_at
                               else %(first_failed_at)s::timestamptz end,
        failing_since = coalesce(%(failing_since)s::timestamptz, failing_since),
        next_try_at = coalesce(%(next_try_at)s::timestamptz, next_try_at), disabled_at = %(disabled_at)s::timestamptz,
        lease_token = null, lease_until = null, awaited = false
    where restaurant_id = %(restaurant_id)s and id = %(webhook_id)s and lease_token = %(token)s
    returning 1
)
select require_one(count(*), 'MTV01') from rested

-- name: wake_webhooks
-- Webhooks that have waited for a minute though there is something to send: their message is lost.
with idle as (
    select w.restaurant_id, w.id
    from webhooks w
    where w.disabled_at is null and w.next_try_at < %(now)s::timestamptz - interval '1 minute'
      and (w.lease_until is null or w.lease_until < %(now)s)
      and exists (select from booking_changes c
                  where c.restaurant_id = w.restaurant_id and c.position > w.position and c.type = any (w.events)
                    and c.at < %(now)s::timestamptz - interval '1 minute')
    order by w.next_try_at
    limit %(limit)s
), queued as (
    insert into outbox (topic, restaurant_id, payload, correlation_id)
    select 'webhook', i.restaurant_id,
           jsonb_build_object('schema', 1, 'restaurantId', i.restaurant_id, 'webhookId', i.id, 'correlationId', %(id)s::text),
           %(id)s
    from idle i returning 1
)
select count(*) from queued

-- name: queued_webhooks
select id, payload, correlation_id, due_at from queued_webhooks()
