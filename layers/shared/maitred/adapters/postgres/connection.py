"""How a sandbox logs in: to RDS Proxy with an IAM token, to the cluster with its secret, or without one."""

import json
import ssl
from collections.abc import Callable
from typing import Any

import psycopg

from maitred.adapters.postgres.database import PlainConnection
from maitred.config import Settings

_CONNECT_SECONDS = 3  # libpq's minimum is 2 s, its default 130 s


def connector(settings: Settings, application: str, secret_arn: str = "") -> Callable[[], PlainConnection]:
    """A function that opens a connection with ``settings``. Each login makes new credentials.

    There is no pool: a sandbox serves one invocation at a time, and the proxy pools for all of them. Prepared
    statements and session settings are not used, because both would pin the proxy's backend to this client.
    """

    def connect() -> PlainConnection:
        return psycopg.connect(
            host=settings.database_host,
            port=settings.database_port,
            dbname=settings.database_name,
            sslmode=settings.database_sslmode,
            sslrootcert=ssl.get_default_verify_paths().cafile
            if settings.database_sslmode == "verify-full"
            else None,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=_CONNECT_SECONDS,
            application_name=f"maitred-{application}",
            keepalives_idle=30,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=10_000,
            **_credentials(settings, secret_arn),
        )

    return connect


def _credentials(settings: Settings, secret_arn: str) -> dict[str, Any]:
    if settings.database_auth == "trust":
        return {"user": settings.database_user}
    import boto3  # noqa: PLC0415 - heavy, and a trusted login does not need it

    if settings.database_auth == "secret":
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=secret_arn)
        secret = json.loads(answer["SecretString"])
        return {"user": secret["username"], "password": secret["password"]}
    # The token is signed here, without a call. It is valid for 15 minutes, for logging in only.
    token = boto3.client("rds").generate_db_auth_token(
        DBHostname=settings.database_host, Port=settings.database_port, DBUsername=settings.database_user
    )
    return {"user": settings.database_user, "password": token}
