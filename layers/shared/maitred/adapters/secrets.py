"""KMS behind the secrets port: what is encrypted for one webhook cannot be decrypted for another."""

import base64
import secrets
from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from maitred.contracts.bookings import SECRET_PREFIX
from maitred.services import ports

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

_BYTES = 32  # Standard Webhooks asks for 24 to 64


class KmsSecrets:
    """Implements services.webhooks.ports.Secrets. ``key``: an id or alias of KMS."""

    def __init__(self, key: str) -> None:
        self._key = key
        # A sandbox sends many events of few webhooks; KMS is asked once for each secret.
        self._decrypted = lru_cache(maxsize=256)(self._decrypt)

    @cached_property
    def _client(self) -> "KMSClient":
        import boto3  # noqa: PLC0415 - heavy, and few calls need it
        from botocore.config import Config  # noqa: PLC0415

        config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 2})
        return boto3.client("kms", config=config)

    def new(self) -> str:
        return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode()

    def encrypt(self, secret: str, context: Mapping[str, str]) -> str:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            answer = self._client.encrypt(
                KeyId=self._key, Plaintext=secret.encode(), EncryptionContext=dict(context)
            )
        except (BotoCoreError, ClientError) as error:
            raise ports.Unavailable("KMS") from error
        return base64.b64encode(answer["CiphertextBlob"]).decode()

    def decrypt(self, encrypted: str, context: Mapping[str, str]) -> str:
        return self._decrypted(encrypted, tuple(sorted(context.items())))

    def _decrypt(self, encrypted: str, context: tuple[tuple[str, str], ...]) -> str:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        try:
            answer = self._client.decrypt(
                KeyId=self._key,
                CiphertextBlob=base64.b64decode(encrypted),
                EncryptionContext=dict(context),
            )
        except (BotoCoreError, ClientError) as error:
            raise ports.Unavailable("KMS") from error
        return answer["Plaintext"].decode()
