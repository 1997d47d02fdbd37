-- Holds that are long over are found by their end, and deleted with what they had of the ledger.
create index holds_by_expiry on holds (expires_at);
