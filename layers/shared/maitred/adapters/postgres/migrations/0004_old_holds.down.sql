drop index holds_by_expiry;
