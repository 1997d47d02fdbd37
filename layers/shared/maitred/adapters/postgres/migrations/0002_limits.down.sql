drop function circuit_failed, enter_attempt, pass_circuit, take_token;
drop table circuits, attempts_in_flight, rate_limits;
