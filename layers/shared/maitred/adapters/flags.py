"""Rollout flags by Powertools, of a document that AppConfig or the package holds."""

import json
import logging
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3
from aws_lambda_powertools.utilities.feature_flags import (
    AppConfigStore,
    FeatureFlags,
    SchemaValidator,
    StoreProvider,
)
from botocore.config import Config

from maitred.services.rollout import VALUES, Conduct, Flag, Pipeline, plain_path

logger = logging.getLogger(__name__)

#: For how long a document is used before it is read again.
MAX_AGE_SECONDS = 60
#: A request may have to wait so long for a reading, once a minute in a sandbox.
_PATIENCE_SECONDS = 0.5
_BUCKETS = 100
_KEPT_CONDUCTS = 10_000

type Document = dict[str, Any]
type Read = Callable[[], Document]


def packaged() -> Document:
    """The document of the package: what holds where there is no AppConfig, and until it has been read."""
    document: Document = json.loads((Path(__file__).parents[1] / "flags.json").read_text(encoding="utf-8"))
    return document


def from_appconfig(application: str, environment: str, profile: str) -> Read:
    """A new session with each reading: one that has broken or grown old cannot stay in the way."""

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
    """The document. Raises ValueError or Powertools' SchemaValidationError if it is none of ours."""
    SchemaValidator(document).validate()
    for name, allowed in VALUES.items():
        feature = document.get(name, {})
        values = [rule["when_match"] for rule in (feature.get("rules") or {}).values()]
        if "default" in feature:
            values.append(feature["default"])
        if any(value not in allowed for value in values):
            raise ValueError(f"{name} is one of {allowed}")
    return document


class KeptFlags(StoreProvider):
    """The last document that could be read; ``fallback`` before there is one."""

    def __init__(self, read: Read, fallback: Document, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._read = read
        self._document = fallback
        self._monotonic = monotonic
        self._read_at: float | None = None

    def refresh(self) -> bool:
        """Read the document anew if it is old; whether it was. One that is unusable changes nothing."""
        now = self._monotonic()
        if self._read_at is not None and now - self._read_at < MAX_AGE_SECONDS:
            return False
        self._read_at = now
        try:
            self._document = checked(self._read())
        except Exception:
            logger.warning("the flags could not be read; the last known hold", exc_info=True)
        return True

    @property
    def get_raw_configuration(self) -> Document:
        return self._document

    def get_configuration(self) -> Document:
        return self._document


class FlagRollout:
    """Implements services.rollout.Rollout. Nothing is evaluated twice of one document."""

    def __init__(self, flags: KeptFlags) -> None:
        self._flags = flags
        self._features = FeatureFlags(store=flags)
        self._conducts: dict[str, Conduct] = {}

    def of(self, restaurant_id: str) -> Conduct:
        if self._flags.refresh() or len(self._conducts) >= _KEPT_CONDUCTS:
            self._conducts.clear()
        conduct = self._conducts.get(restaurant_id)
        if conduct is None:
            conduct = self._conducts[restaurant_id] = self._evaluate(restaurant_id)
        return conduct

    def _evaluate(self, restaurant_id: str) -> Conduct:
        def value(flag: Flag, default: Any) -> Any:
            context = {"restaurant": restaurant_id, "bucket": bucket(flag, restaurant_id)}
            return self._features.evaluate(name=flag.value, context=context, default=default)

        if value(Flag.KILL_SWITCH, default=False):
            return plain_path()
        return Conduct(
            pipeline=Pipeline(value(Flag.PIPELINE, default=Pipeline.ON.value)),
            informed=value(Flag.RETRIES, default="informed") == "informed",
            keeps_floors=value(Flag.CACHE, default=True),
        )


def bucket(flag: str, restaurant_id: str) -> int:
    """0-99, the same in every process; of its own for each flag, so that not one restaurant tries all."""
    return int.from_bytes(sha256(f"{flag}/{restaurant_id}".encode()).digest()[:8]) % _BUCKETS
