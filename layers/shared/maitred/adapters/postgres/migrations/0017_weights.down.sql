drop function admit_attempt;
drop function take_tokens;
