"""The queues: an emulator of SQS (and SES and KMS) on loopback, and the template's queues and keys in it."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localstack.constants import ACCOUNT, REGION
from localstack.processes import StartStop, spawn, stop
from localstack.template import Queue

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_sqs import SQSClient

START_SECONDS = 30.0
STOP_SECONDS = 5.0
LONG_POLL_SECONDS = 20


class EmulatorError(RuntimeError):
    """The emulator did not start."""


class Emulator(StartStop):
    """ministack with our additions (``localstack/emulator.py``), as a child process.

    ``home`` holds its state (queues and messages survive a stop), its log and the mail it was given.
    """

    def __init__(self, python: Path, home: Path) -> None:
        self._python = python
        self._home = home
        self.mail_dir = home / "mail"
        self.log = home / "logs" / "emulator.log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """The address for ``AWS_ENDPOINT_URL``."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers. On another port than before: clients ask ``endpoint``."""
        for directory in (self.mail_dir, self.log.parent, self._home / "emulator"):
            directory.mkdir(parents=True, exist_ok=True)
        with socket.create_server(("127.0.0.1", self.port)) as listener, self.log.open("wb") as output:
            self.port = listener.getsockname()[1]
            script = Path(__file__).with_name("emulator.py")
            self._process = spawn(
                (str(self._python), "-I", str(script), str(listener.fileno()), str(self.mail_dir)),
                environment=self._environment(),
                output=output,
                directory=self._home,
                death_signal=signal.SIGTERM,  # it saves the queues, then ends
                inherited=(listener.fileno(),),
            )
        self._wait_ready()

    def stop(self) -> None:
        """Save the queues and end."""
        if self._process is not None:
            stop(self._process, grace=STOP_SECONDS)
            self._process = None

    def client(self) -> "SQSClient":
        """Return a new client of the emulator's SQS."""
        return sqs_client(self.endpoint)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "TZ": "UTC",
            "LC_ALL": "C.UTF-8",
            "HOME": str(self._home),
            "TMPDIR": str(self._home / "emulator"),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self._home / "emulator"),
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "DOCKER_HOST": "unix:///nonexistent",  # never look for a container engine
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "WARNING",
        }

    def _wait_ready(self) -> None:
        """The socket listens from the start, so the first call simply waits until the emulator takes it."""
        deadline = time.monotonic() + START_SECONDS
        client = sqs_client(self.endpoint, read_timeout=1)
        while True:
            try:
                client.list_queues()
            except Exception as error:
                ended = self._process is None or self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    words = self.log.read_text(errors="replace").splitlines()[-5:]
                    self.stop()
                    raise EmulatorError(f"the queue emulator did not start: {' | '.join(words)}") from error
                time.sleep(0.05)
            else:
                return


def sqs_client(endpoint: str, *, read_timeout: int = LONG_POLL_SECONDS + 10) -> "SQSClient":
    """Return a client that makes no retries of its own: the poller decides."""
    client: SQSClient = boto3.client(
        "sqs",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the emulator checks none
        config=Config(
            connect_timeout=2,
            read_timeout=read_timeout,
            retries={"total_max_attempts": 1},
            max_pool_connections=50,
        ),
    )
    return client


def create_keys(endpoint: str, aliases: Iterable[str]) -> None:
    """A key for each alias of KMS that has none yet. They are kept with the queues."""
    kms: KMSClient = boto3.client(
        "kms",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 - the emulator checks none
    )
    known = {each["AliasName"] for each in kms.list_aliases()["Aliases"]}
    for alias in aliases:
        if alias not in known:
            kms.create_alias(AliasName=alias, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])


def create_queues(client: "SQSClient", queues: Iterable[Queue]) -> dict[str, str]:
    """Create the queues, or bring those that are there to the template's attributes.

    Returns their addresses by logical id.
    """
    return {queue.logical_id: _create(client, queue) for queue in _dead_letter_queues_first(queues)}


def _create(client: "SQSClient", queue: Queue) -> str:
    attributes = {
        "VisibilityTimeout": str(queue.visibility_seconds),
        "DelaySeconds": str(queue.delay_seconds),
        "MessageRetentionPeriod": str(queue.retention_seconds),
        "ReceiveMessageWaitTimeSeconds": str(queue.receive_wait_seconds),
    }
    if queue.redrive is not None:
        attributes["RedrivePolicy"] = json.dumps(
            {
                "deadLetterTargetArn": queue.redrive.target_arn,
                "maxReceiveCount": str(queue.redrive.max_receives),
            }
        )
    if queue.allow_policy is not None:
        attributes["RedriveAllowPolicy"] = queue.allow_policy
    try:
        url = client.get_queue_url(QueueName=queue.name)["QueueUrl"]
    except ClientError:
        return client.create_queue(QueueName=queue.name, Attributes=attributes)["QueueUrl"]  # type: ignore[arg-type]
    client.set_queue_attributes(QueueUrl=url, Attributes=attributes)  # type: ignore[arg-type]
    return url


def _dead_letter_queues_first(queues: Iterable[Queue]) -> list[Queue]:
    return sorted(queues, key=lambda queue: queue.redrive is not None)
