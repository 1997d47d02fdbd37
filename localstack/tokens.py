"""The local token issuer: an RSA key in the home directory, tokens signed with it and their verification."""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localstack.constants import ALL_SCOPES

if TYPE_CHECKING:  # the template's reader takes a second to import
    from localstack.template import Authorizer

ISSUER = "http://127.0.0.1/local-issuer"
AUDIENCE = "maitred-local"
KEY_FILE = "issuer.pem"
KEY_BITS = 2048
_ALGORITHM = "RS256"


class TokenRefusedError(Exception):
    """The token is not good for this route; the message says why."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """Signs tokens and checks them."""

    key: rsa.RSAPrivateKey

    @classmethod
    def load(cls, home: Path) -> Self:
        """Read the key of a home directory, which is made once and readable by its owner only."""
        path = home / KEY_FILE
        if not path.exists():
            _make_key(path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError(f"{path} holds no RSA key")
        return cls(key)

    def mint(
        self,
        *,
        restaurants: str = "*",
        scopes: str = ALL_SCOPES,
        ttl_seconds: int = 3600,
        subject: str = "local",
    ) -> str:
        """Return a token. ``restaurants`` and ``scopes`` are separated by spaces."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + ttl_seconds,
            "restaurants": restaurants,
            "scope": scopes,
        }
        return jwt.encode(claims, self.key, algorithm=_ALGORITHM)

    def verify(self, header: str | None, authorizer: "Authorizer") -> Mapping[str, Any]:
        """Return the claims of an Authorization header's token.

        Raises TokenRefusedError when it is missing, forged, expired, not yet valid, or meant for others.
        """
        scheme, _, token = (header or "").partition(" ")
        if scheme.lower() != "bearer":
            token = header or ""
        try:
            claims: dict[str, Any] = jwt.decode(
                token.strip(),
                self.key.public_key(),
                algorithms=[_ALGORITHM],
                audience=list(authorizer.audience),
                issuer=authorizer.issuer,
                options={"require": ["exp", "iss"]},
            )
        except jwt.InvalidTokenError as error:
            raise TokenRefusedError(str(error)) from None
        return claims


def _make_key(path: Path) -> None:
    """Write a new key, whole or not at all; of several processes at once, the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_bytes(text)
    with suppress(FileExistsError):
        path.hardlink_to(partial)
    partial.unlink()
