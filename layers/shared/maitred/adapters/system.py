"""The real clock and real randomness."""

import secrets
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

# No letters and digits that people confuse when they read a reference aloud or on a screen.
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_REFERENCE_LENGTH = 6


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class SystemIds:
    def uuid(self) -> UUID:
        return uuid4()

    def reference(self) -> str:
        return "".join(secrets.choice(_ALPHABET) for _ in range(_REFERENCE_LENGTH))

    def jitter(self, upper: float) -> float:
        return secrets.SystemRandom().random() * upper
