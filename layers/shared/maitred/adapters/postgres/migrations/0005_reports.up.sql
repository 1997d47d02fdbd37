-- What a report over some weeks of one restaurant reads, without the weeks before them.
create index bookings_by_creation on bookings (restaurant_id, created_at);
create index booking_assignment_attempts_by_time on booking_assignment_attempts (restaurant_id, created_at);
create index observability_events_of_runs on observability_events (restaurant_id, event_type, created_at)
    where event_type in ('auto_assign.quote', 'auto_assign.summary');
