from typing import Any

import pytest

from tests.infra.template import as_list, deployed, references

FUNCTIONS = sorted(deployed().functions)
SEND = {"sqs:SendMessage*"}
FLAGS = {"appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"}
EXPECTED = {
    "BookingsFunction": {"rds-db:connect"} | SEND | FLAGS,
    "OperationsFunction": {"rds-db:connect", "kms:Encrypt"} | SEND | FLAGS,
    "DeliverFunction": {"rds-db:connect", "sqs:ChangeMessageVisibility", "kms:Decrypt"} | SEND,
    "AssignFunction": {"rds-db:connect", "sqs:ChangeMessageVisibility"} | SEND | FLAGS,
    "OptimizeFunction": {"rds-db:connect", "sqs:ChangeMessageVisibility"} | SEND | FLAGS,
    "RelayFunction": {"rds-db:connect"} | SEND,
    "NotifyFunction": {"rds-db:connect", "ses:SendEmail", "ses:SendRawEmail"} | SEND,
    "MaintainFunction": {"rds-db:connect"} | SEND,
    "MigrateFunction": {"secretsmanager:GetSecretValue"},
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_do_what_it_does_and_nothing_else(name: str) -> None:
    actions = {action for statement in deployed().statements(name) for action in as_list(statement["Action"])}
    assert actions == EXPECTED[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_may_send_to_the_queues_that_it_is_told_of(name: str) -> None:
    template = deployed()
    recorded = {
        value["Ref"]
        for key, value in template.environment(name).items()
        if key.endswith(("_QUEUE_URL", "_DLQ_URL"))
    }
    allowed = {
        queue
        for statement in template.statements(name)
        if "sqs:SendMessage*" in as_list(statement["Action"])
        for queue in references(statement["Resource"])
        if not queue.startswith("AWS::")
    }
    assert allowed == recorded


def _statements(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _statements(item)]
    if not isinstance(value, dict):
        return []
    own = as_list(value["Statement"]) if "Statement" in value else []
    return own + [found for key, inner in value.items() if key != "Statement" for found in _statements(inner)]


def test_nothing_is_allowed_by_a_star() -> None:
    """But in the policy of a key: without it nobody could ever change the key."""
    resources = deployed().document["Resources"]
    keys = {name for name, each in resources.items() if each["Type"] == "AWS::KMS::Key"}
    others = {name: each for name, each in resources.items() if name not in keys}
    allowed = [s for s in _statements(others) if s["Effect"] == "Allow"]
    assert len(allowed) > len(FUNCTIONS)
    for statement in allowed:
        actions = as_list(statement["Action"])
        assert not [action for action in actions if action == "*" or action.endswith(":*")], statement
        assert "*" not in as_list(statement.get("Resource", "a role's trust names none")), statement


def test_a_function_logs_in_as_the_application_and_the_proxy_too() -> None:
    template = deployed()
    login = template.resources["DatabaseLoginPolicy"]["Properties"]["PolicyDocument"]["Statement"][0][
        "Resource"
    ]
    proxy = template.resources["DatabaseProxyRole"]["Properties"]["Policies"][0]["PolicyDocument"][
        "Statement"
    ][0]
    assert {"DatabaseProxy", "DatabaseUser"} <= set(references(login))
    assert {"DatabaseCluster", "DatabaseUser"} <= set(references(proxy["Resource"]))


def test_mail_goes_out_under_our_own_address_only() -> None:
    (mail,) = [s for s in deployed().statements("NotifyFunction") if "ses:SendEmail" in as_list(s["Action"])]
    assert mail["Condition"] == {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}}
