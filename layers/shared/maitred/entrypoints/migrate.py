"""The schema as a CloudFormation custom resource.

CloudFormation calls it at each deployment with a new layer, before it changes any function that uses the
schema, and waits for an answer at ``ResponseURL``. It also does so when it takes a release back, with
the layer of the release before: the database is ahead then and stays as it is, which is success. Any other
event just migrates and returns the result.
"""

import json
from typing import Any
from urllib.request import Request, urlopen

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from maitred.bootstrap.migrate import MigrationError, migrate

_ANSWER_SECONDS = 10


class SchemaResource:
    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def handle(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Migrate; return the names of the migrations applied now, or the answer to CloudFormation."""
        if "ResponseURL" not in event:
            return {"applied": self._migrate()}
        answer = self._answer(event, context)
        self._put(event["ResponseURL"], answer)
        return answer

    def _migrate(self) -> list[str]:
        migrated = migrate()
        if migrated.later:
            self._logger.warning("the schema is of a later release", extra={"later": migrated.later})
        else:
            self._logger.info("schema is up to date", extra={"applied": migrated.done})
        return migrated.done

    def _answer(self, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        """The answer to CloudFormation. A deleted stack keeps its data, so Delete does nothing."""
        answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
        answer["PhysicalResourceId"] = "schema"
        try:
            applied = [] if event["RequestType"] == "Delete" else self._migrate()
        except Exception as error:  # without an answer the stack waits for its time limit
            self._logger.exception("migration failed")
            known = str(error) if isinstance(error, MigrationError) else type(error).__name__
            reason = f"{known}; see the log stream {context.log_stream_name}"
            return answer | {"Status": "FAILED", "Reason": reason}
        return answer | {"Status": "SUCCESS", "Data": {"Applied": ",".join(applied)[:2000]}}

    def _put(self, address: str, answer: dict[str, Any]) -> None:
        """The address is signed for one PUT without a content type. urlopen raises if it is refused."""
        request = Request(  # noqa: S310 - CloudFormation chose the address
            address, data=json.dumps(answer).encode(), method="PUT", headers={"content-type": ""}
        )
        with urlopen(request, timeout=_ANSWER_SECONDS):  # noqa: S310 - as above
            self._logger.info("answered", extra={"status": answer["Status"]})
