-- Tables kept for a waiting booking until the job has tried it again: a hold of its own, by the same ledger.
alter table holds add column for_booking uuid references bookings;
create index holds_for_booking on holds (for_booking) where for_booking is not null;

-- Whatever ends the wait, or changes what was asked for, gives them back in the same statement.
create function give_back_leases() returns trigger language plpgsql as $$
begin
    update allocations set live = false, released_at = now()
    where live and hold_id in (select id from holds where for_booking = new.id);
    update holds set expires_at = least(expires_at, now()) where for_booking = new.id and expires_at > now();
    return null;
end $$;

create trigger bookings_give_back_leases
    after update of state, request_version on bookings for each row
    when (old.state in ('assignment_pending', 'assignment_in_progress', 'manual_review')
          and (new.request_version <> old.request_version
               or new.state <> old.state and new.state not in ('assignment_pending', 'assignment_in_progress')))
    execute function give_back_leases();
