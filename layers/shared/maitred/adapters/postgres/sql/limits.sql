-- Admission and circuits. The migration explains the functions.

-- name: admit_attempt
-- Last in the snapshot's transaction, so that the buckets are locked only until the commit.
select e.refused_by, e.wait_seconds, e.probe, e.failed, e.tokens_left, e.full_seconds
from admit_attempt(%(attempt_id)s, %(client)s, %(restaurant_id)s,
                   exists (select from idempotency i where i.caller = %(caller)s
                           and i.restaurant_id = %(restaurant_id)s and i.key = %(key)s),
                   %(client_rate)s, %(client_burst)s, %(restaurant_rate)s, %(restaurant_burst)s,
                   %(most_in_flight)s, %(place_seconds)s, %(probe_seconds)s) e

-- name: leave_attempt
delete from attempts_in_flight where attempt_id = %(attempt_id)s

-- name: pass_circuit
select wait_seconds, probe, failed from pass_circuit(%(dependency)s, %(probe_seconds)s)

-- name: circuit_failed
select failed, opened
from circuit_failed(%(dependency)s, %(most)s, %(within_seconds)s, %(pause_seconds)s, %(was_probe)s)

-- name: circuit_succeeded
-- A success ends a row of faults. Only the probe closes an open circuit.
update circuits set failures = 0, open_until = null
where dependency = %(dependency)s and failures > 0 and (open_until is null or %(was_probe)s)

-- name: charge_client
select t.wait_seconds, t.tokens_left, t.full_seconds
from take_tokens('client', %(client)s, %(rate)s, %(burst)s, %(tokens)s) t
