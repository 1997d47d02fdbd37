"""Run as a script in the emulator's own environment: ministack, able to create the types it does not know.

``rehearsal_emulator.py LISTENING_SOCKET``. A type of ``PLACEHOLDERS`` is recorded with the attributes that
the template asks of it, and does nothing; the report must say so.
"""

import asyncio
import sys
import uuid
from collections.abc import Callable
from typing import Any

type Properties = dict[str, Any]

ACCOUNT, REGION = "000000000000", "eu-west-1"


def _proxy(properties: Properties) -> dict[str, str]:
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:db-proxy:prx-{uuid.uuid4().hex[:17]}"
    return {"Endpoint": f"{properties['DBProxyName']}.proxy-rehearsal.invalid", "DBProxyArn": arn}


# What ministack lacks, and what Fn::GetAtt of each may ask for.
PLACEHOLDERS: dict[str, Callable[[Properties], dict[str, str]]] = {
    "AWS::CodeDeploy::Application": lambda _: {},
    "AWS::CodeDeploy::DeploymentGroup": lambda _: {},
    "AWS::RDS::DBProxy": _proxy,
    "AWS::RDS::DBProxyTargetGroup": lambda _: {},
}


def main(listening_socket: str) -> None:
    """Serve until SIGTERM."""
    import ministack.app  # noqa: PLC0415 - only that environment has it
    from hypercorn.asyncio import serve  # type: ignore[import-not-found]  # noqa: PLC0415
    from hypercorn.config import Config  # type: ignore[import-not-found]  # noqa: PLC0415
    from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS  # noqa: PLC0415

    _supply_cluster_attributes(_RESOURCE_HANDLERS["AWS::RDS::DBCluster"])
    _record_computed_alarms(_RESOURCE_HANDLERS["AWS::CloudWatch::Alarm"])
    for kind, attributes in PLACEHOLDERS.items():
        _RESOURCE_HANDLERS.setdefault(kind, {"create": _creator(attributes), "delete": lambda *_: None})
    config = Config()
    config.bind = [f"fd://{listening_socket}"]
    asyncio.run(serve(ministack.app.app, config))


def _creator(attributes: Callable[[Properties], dict[str, str]]) -> Callable[..., tuple[str, dict[str, str]]]:
    def create(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        name = properties.get("DBProxyName", f"{stack}-{logical_id}")
        return name, attributes(properties)

    return create


def _supply_cluster_attributes(handler: dict[str, Any]) -> None:
    """Let Fn::GetAtt see what ministack's own cluster lacks: its managed secret and its id."""
    create = handler["create"]

    def create_with_secret(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        name, attributes = create(logical_id, properties, stack)
        secret = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:rds!cluster-{uuid.uuid4()}"
        extra = {"MasterUserSecret.SecretArn": secret, "DBClusterResourceId": f"cluster-{name.upper()}"}
        return name, extra | attributes

    handler["create"] = create_with_secret


def _record_computed_alarms(handler: dict[str, Any]) -> None:
    """Ministack's alarms watch one metric; those that compute with several are recorded only."""
    create = handler["create"]

    def create_or_record(logical_id: str, properties: Properties, stack: str) -> tuple[str, dict[str, str]]:
        if "Metrics" not in properties:
            made: tuple[str, dict[str, str]] = create(logical_id, properties, stack)
            return made
        name = f"{stack}-{logical_id}"
        return name, {"Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"}

    handler["create"] = create_or_record


if __name__ == "__main__":
    main(*sys.argv[1:])
