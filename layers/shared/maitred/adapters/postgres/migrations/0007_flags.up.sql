-- Which flags held for an attempt: what a comparison of two cohorts counts.
alter table booking_assignment_attempts add column flags jsonb not null default '{}';
