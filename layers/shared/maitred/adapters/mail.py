"""SES behind the mailer port, and an e-mail as the MIME text that it takes."""

from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from functools import cached_property
from typing import TYPE_CHECKING

from maitred.domain.words import ascii_address
from maitred.services.messaging.mail.email import Email
from maitred.services.messaging.notify import MailRefused, MailThrottled, MailUnavailable

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

_REFUSED = frozenset({"MessageRejected", "BadRequestException"})
_THROTTLED = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException"})
_SERVER_ERROR = 500  # from here on it is unknown whether the mail was taken


class SesMailer:
    """Implements services.messaging.notify.Mailer. No retries of its own: one call, one outcome."""

    def __init__(self, sender: str) -> None:
        self._sender = sender

    @cached_property
    def _client(self) -> "SESV2Client":
        import boto3  # noqa: PLC0415 - heavy, and unused where mail is suppressed
        from botocore.config import Config  # noqa: PLC0415

        config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1})
        return boto3.client("sesv2", config=config)

    def write(self, to: str, email: Email, headers: Mapping[str, str]) -> bytes:
        try:
            return mime(self._sender, deliverable(to), email, headers)
        except ValueError as error:
            raise MailRefused("this address or name does not fit into a mail header") from error

    def send(self, to: str, content: bytes) -> str:
        from botocore.exceptions import ClientError, ConnectTimeoutError, EndpointConnectionError  # noqa: PLC0415

        try:
            answer = self._client.send_email(
                FromEmailAddress=self._sender,
                Destination={"ToAddresses": [deliverable(to)]},
                Content={"Raw": {"Data": content}},
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _REFUSED:
                raise MailRefused(code) from error
            if code in _THROTTLED:
                raise MailThrottled(code) from error
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < _SERVER_ERROR:
                # Sending is paused or not yet permitted: a later try may succeed.
                raise MailUnavailable(code) from error
            raise
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            raise MailUnavailable(type(error).__name__) from error
        return answer["MessageId"]


def deliverable(address: str) -> str:
    """The address as SES takes it, its domain by IDNA. Raises MailRefused where that is not enough."""
    written = ascii_address(address)
    if written is None:
        raise MailRefused("the address has letters before its @ to which SES cannot deliver (SMTPUTF8)")
    return written


def mime(sender: str, to: str, email: Email, headers: Mapping[str, str]) -> bytes:
    """The e-mail in seven bits. ``sender`` and ``to`` are bare addresses of ASCII.

    Raises ValueError if a header would take more than one line.
    """
    message = EmailMessage(SMTP.clone(cte_type="7bit"))  # no server on the way has to know more
    message["From"] = Address(email.sender, addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = email.subject
    message["Auto-Submitted"] = "auto-generated"  # so that nobody's absence assistant answers
    reply_to = ascii_address(email.reply_to) if email.reply_to else None
    if reply_to:  # else the letter's text alone names the address
        message["Reply-To"] = Address(addr_spec=reply_to)
    for name, value in headers.items():
        message[name] = value
    message.set_content(email.text)
    message.add_alternative(email.html, subtype="html")
    if email.event:
        message.add_attachment(
            email.event.written(sender),
            maintype="text",
            subtype="calendar",
            params={"charset": "utf-8", "method": email.event.method},
            filename="booking.ics",
        )
    message["Content-Language"] = email.language  # last: parts that come later take such headers along
    return message.as_bytes()
