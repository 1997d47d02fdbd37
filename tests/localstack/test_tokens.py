"""The local issuer and the authorizer's check."""

import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from localstack.template import Authorizer
from localstack.tokens import AUDIENCE, ISSUER, Issuer, TokenRefusedError

AUTHORIZER = Authorizer(ISSUER, (AUDIENCE,))


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer.load(tmp_path)


def signed(issuer: Issuer, **changed: Any) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "s", "exp": int(time.time()) + 60} | changed
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, issuer.key, algorithm="RS256")


def test_a_token_carries_what_was_asked(issuer: Issuer) -> None:
    token = issuer.mint(restaurants="r1 r2", scopes="bookings:read", ttl_seconds=60, subject="me")
    claims = issuer.verify(f"Bearer {token}", AUTHORIZER)
    assert (claims["restaurants"], claims["scope"], claims["sub"]) == ("r1 r2", "bookings:read", "me")
    assert claims["exp"] - claims["iat"] == 60


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    token = Issuer.load(tmp_path).mint()
    assert Issuer.load(tmp_path).verify(f"Bearer {token}", AUTHORIZER)
    files = list(tmp_path.iterdir())
    assert [file.name for file in files] == ["issuer.pem"]
    assert files[0].stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://elsewhere.example.com"},
        {"aud": "others"},
        {"exp": 1},
        {"exp": None},
        {"nbf": 4102444800},
    ],
)
def test_a_token_for_others_is_refused(issuer: Issuer, changed: dict[str, Any]) -> None:
    with pytest.raises(TokenRefusedError):
        issuer.verify(f"Bearer {signed(issuer, **changed)}", AUTHORIZER)


def test_a_forged_token_is_refused(issuer: Issuer) -> None:
    forger = Issuer(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    unsigned = jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 60}, "", algorithm="none")
    for token in (forger.mint(), unsigned, "nonsense", ""):
        with pytest.raises(TokenRefusedError):
            issuer.verify(f"Bearer {token}", AUTHORIZER)


def test_no_header_is_refused(issuer: Issuer) -> None:
    with pytest.raises(TokenRefusedError):
        issuer.verify(None, AUTHORIZER)
