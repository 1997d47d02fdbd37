"""Brings the schema up to date: as a CloudFormation custom resource, or called by hand.

CloudFormation calls at each deployment whose layer differs, before it changes any function that uses the
schema, and waits for the answer at ``ResponseURL``. Any other event just migrates and returns what it did.
"""

import json
from typing import Any
from urllib.request import Request, urlopen

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from maitred.adapters.postgres.migrator import MigrationError
from maitred.bootstrap.migrate import migrator

logger = Logger()
ANSWER_SECONDS = 10


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Apply what is missing; return the names of the migrations applied, oldest first, as ``applied``."""
    if "ResponseURL" not in event:
        return {"applied": _migrate()}
    answer = _answer(event, context)
    _put(event["ResponseURL"], answer)
    return answer


def _migrate() -> list[str]:
    applied = migrator().run()
    logger.info("schema is up to date", extra={"applied": applied})
    return applied


def _answer(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """What CloudFormation is told. A stack that goes keeps its data, so Delete does nothing."""
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer["PhysicalResourceId"] = "schema"
    try:
        applied = [] if event["RequestType"] == "Delete" else _migrate()
    except Exception as error:  # the stack would wait for its time limit if it got no answer
        logger.exception("migration failed")
        known = str(error) if isinstance(error, MigrationError) else type(error).__name__
        reason = f"{known}; the log stream {context.log_stream_name} tells more"
        return answer | {"Status": "FAILED", "Reason": reason}
    return answer | {"Status": "SUCCESS", "Data": {"Applied": ",".join(applied)[:2000]}}


def _put(address: str, answer: dict[str, Any]) -> None:
    """The address is signed for this one PUT, without a content type; urlopen raises if it is refused."""
    request = Request(  # noqa: S310 - CloudFormation chose the address
        address, data=json.dumps(answer).encode(), method="PUT", headers={"content-type": ""}
    )
    with urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310 - as above
        logger.info("answered", extra={"status": answer["Status"]})
