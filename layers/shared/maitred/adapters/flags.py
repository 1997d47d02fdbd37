"""Feature flags by Powertools, from a document in AppConfig or in the package."""

import json
import logging
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools.utilities.feature_flags import AppConfigStore, SchemaValidator, StoreProvider
from aws_lambda_powertools.utilities.feature_flags import FeatureFlags as Toggles
from botocore.config import Config

from maitred.services.feature_flags import VALUES, FeatureFlags, Flag, Pipeline, plain_path

logger = logging.getLogger(__name__)

#: A document is read again after this time.
MAX_AGE_SECONDS = 60
#: A request waits at most this long for a reading, once a minute in each sandbox.
_PATIENCE_SECONDS = 0.5
_BUCKETS = 100
_MOST_RESTAURANTS = 10_000

type Document = dict[str, Any]
type Read = Callable[[], Document]


def packaged() -> Document:
    """The package's own document. It counts without AppConfig, and until AppConfig has been read."""
    document: Document = json.loads((Path(__file__).parents[1] / "flags.json").read_text(encoding="utf-8"))
    return document


def from_appconfig(application: str, environment: str, profile: str) -> Read:
    """Reads with a new session each time, because a broken or expired session would fail again and again."""

    @cache
    def client() -> Any:
        patience = Config(
            connect_timeout=_PATIENCE_SECONDS,
            read_timeout=_PATIENCE_SECONDS,
            retries={"total_max_attempts": 1},
        )
        return boto3.client("appconfigdata", config=patience)

    def read() -> Document:
        store = AppConfigStore(environment, application, profile, max_age=0, boto3_client=client())
        return store.get_configuration()

    return read


def checked(document: Document) -> Document:
    """The document, if it is valid. Raises ValueError or Powertools' SchemaValidationError otherwise."""
    SchemaValidator(document).validate()
    for name, allowed in VALUES.items():
        feature = document.get(name, {})
        values = [rule["when_match"] for rule in (feature.get("rules") or {}).values()]
        if "default" in feature:
            values.append(feature["default"])
        if any(value not in allowed for value in values):
            raise ValueError(f"{name} must be one of {allowed}")
    return document


class KeptFlags(StoreProvider):
    """The last document that was read successfully; ``fallback`` until then."""

    def __init__(self, read: Read, fallback: Document, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._read = read
        self._document = fallback
        self._monotonic = monotonic
        self._read_at: float | None = None

    def refresh(self) -> bool:
        """Read the document again if it is old; True if it was. An unusable document changes nothing."""
        now = self._monotonic()
        if self._read_at is not None and now - self._read_at < MAX_AGE_SECONDS:
            return False
        self._read_at = now
        try:
            self._document = checked(self._read())
        except Exception:
            logger.warning("the flags could not be read; the last known ones stay in force", exc_info=True)
        return True

    @property
    def get_raw_configuration(self) -> Document:
        return self._document

    def get_configuration(self) -> Document:
        return self._document


class PowertoolsFlags:
    """Implements services.feature_flags.FlagSource. Nothing is evaluated twice of one document."""

    def __init__(self, flags: KeptFlags) -> None:
        self._flags = flags
        self._features = Toggles(store=flags)
        self._by_restaurant: dict[str, FeatureFlags] = {}

    def flags_for(self, restaurant_id: str) -> FeatureFlags:
        if self._flags.refresh() or len(self._by_restaurant) >= _MOST_RESTAURANTS:
            self._by_restaurant.clear()
        flags = self._by_restaurant.get(restaurant_id)
        if flags is None:
            flags = self._by_restaurant[restaurant_id] = self._evaluate(restaurant_id)
        return flags

    def _evaluate(self, restaurant_id: str) -> FeatureFlags:
        def value(flag: Flag, default: Any) -> Any:
            context = {"restaurant": restaurant_id, "bucket": bucket(flag, restaurant_id)}
            return self._features.evaluate(name=flag.value, context=context, default=default)

        if value(Flag.KILL_SWITCH, default=False):
            return plain_path()
        return FeatureFlags(
            pipeline=Pipeline(value(Flag.PIPELINE, default=Pipeline.ON.value)),
            informed=value(Flag.RETRIES, default="informed") == "informed",
            keeps_floors=value(Flag.CACHE, default=True),
            optimizes=value(Flag.OPTIMIZER, default=True),
        )


def bucket(flag: str, restaurant_id: str) -> int:
    """0-99, the same in every process. Flags have different buckets: no restaurant tries them all first."""
    return int.from_bytes(sha256(f"{flag}/{restaurant_id}".encode()).digest()[:8]) % _BUCKETS
