"""What every sandbox imports, once for all of them: the fork server loads it and the sandboxes inherit it."""

# ruff: noqa: F401 - loaded, not used

import functions.assign.app
import functions.bookings.app
import functions.maintain.app
import functions.notify.app
import functions.operations.app
import functions.relay.app
import tests.soak.client
