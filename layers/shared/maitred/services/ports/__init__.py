"""What the services need from outside: the store (database), queues, mail, clock. Adapters implement it.

`Changes` is one unit of work as data: the store applies all of it in one transaction, in one round trip,
or nothing. A service never opens a transaction by hand, so no effect can be left half-written.
"""

from maitred.services.ports.changes import (
    AttemptRow,
    BookingMove,
    BookingUpdate,
    Changes,
    Event,
    HistoryRow,
    HoldUse,
    Lease,
    LeasedMessage,
    NotificationRow,
    OutboxRow,
    TableAllocation,
)
from maitred.services.ports.failures import (
    CircuitOpen,
    Conflict,
    DeadlinePassed,
    DuplicateRequest,
    HoldGone,
    LockTimeout,
    NotAdmitted,
    RateLimited,
    ReferenceTaken,
    StaleVersion,
    StoreError,
    Unavailable,
)
from maitred.services.ports.protocols import (
    BookingStore,
    Circuit,
    Clock,
    Dispatcher,
    Freed,
    Ids,
    LockedDay,
    OutgoingMessage,
    QueuePort,
    SendReport,
    Telemetry,
)
from maitred.services.ports.readings import (
    Admission,
    AttemptEntry,
    BookingPage,
    Day,
    Explanation,
    FloorRead,
    HistoryEntry,
    HoldRead,
    IdempotencyKey,
    Json,
    LayoutRead,
    MovableStay,
    ReviewCase,
    Snapshot,
    StoredReply,
    TableUse,
)
