"""Events as AWS sends them, and a context as Lambda gives it."""

import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

ALL_SCOPES = "bookings:write bookings:read operations"


@dataclass(slots=True)
class LambdaContext:
    """``seconds``: how long the invocation may take from now."""

    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:000000000000:function:test"
    aws_request_id: str = field(default_factory=lambda: str(uuid4()))
    log_stream_name: str = "test"
    seconds: float = 10.0
    began: float = field(default_factory=time.monotonic)

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.began + self.seconds - time.monotonic()) * 1000))


def http_event(
    method: str,
    path: str,
    *,
    body: Any = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    scope: str = ALL_SCOPES,
    restaurants: str = "*",
    subject: str = "tester",
) -> dict[str, Any]:
    """An HTTP API event, payload format 2.0. ``body``: text as it is, anything else as JSON."""
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": urlencode(query or {}),
        "headers": {"content-type": "application/json", **(headers or {})},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "authorizer": {
                "jwt": {
                    "claims": {"sub": subject, "scope": scope, "restaurants": restaurants},
                    "scopes": None,
                }
            },
            "domainName": "api.example.com",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "tests",
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": "04/Dec/2026:18:00:00 +0000",
            "timeEpoch": 1796407200000,
        },
        "isBase64Encoded": False,
    }
    if query:
        event["queryStringParameters"] = query
    if text is not None:
        event["body"] = text
    return event


def sqs_event(*bodies: str, receives: int = 1) -> dict[str, Any]:
    """A batch as an event source mapping delivers it."""
    return {
        "Records": [
            {
                "messageId": f"message-{i}",
                "receiptHandle": f"receipt-{i}",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(receives),
                    "SentTimestamp": "1796407200000",
                    "SenderId": "AIDA",
                    "ApproximateFirstReceiveTimestamp": "1796407200001",
                },
                "messageAttributes": {},
                "md5OfBody": "0" * 32,
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:assign",
                "awsRegion": "eu-central-1",
            }
            for i, body in enumerate(bodies)
        ]
    }
