-- Notifications: find, claim, finish.

-- name: find_notification
select n.id, n.booking_id, n.kind, n.variant, n.request_version, n.state, n.attempts,
       case when n.state = 'claimed' then now() - n.claimed_at end as claimed_for, r.name, r.contact_email
from notifications n
join restaurants r on r.id = n.restaurant_id
where n.id = %(id)s

-- name: claim_notification
update notifications set state = 'claimed', claimed_at = now(), attempts = attempts + 1
where id = %(id)s and state = 'pending'
returning id

-- name: finish_notification
-- A duplicate of the message may have parked the letter while it was being sent. The send wins.
update notifications
set state = %(state)s, sent_at = case when %(state)s = 'sent' then now() end,
    provider_id = case when %(state)s = 'sent' then %(detail)s end,
    last_error = case when %(state)s <> 'sent' then %(detail)s end
where id = %(id)s and (state in ('pending', 'claimed') or state = 'parked' and %(state)s = 'sent')

-- name: release_notification
update notifications set state = 'pending', claimed_at = null, last_error = %(error)s
where id = %(id)s and state = 'claimed'
