"""``/_local/`` of ``make up``: what the running stack does, in a browser. Never deployed."""
