"""``make demo``: an evening, or real reservations, played through the HTTP API of a stack of its own."""
