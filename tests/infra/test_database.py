from localstack.postgres import SILENT_LOG
from tests.infra.template import deployed, references, source


def _may_reach(group: str) -> set[str]:
    rules = deployed().of_type("AWS::EC2::SecurityGroup")[group].get("SecurityGroupIngress", [])
    assert all((rule["FromPort"], rule["ToPort"]) == (5432, 5432) for rule in rules)
    return {rule["SourceSecurityGroupId"]["Ref"] for rule in rules}


def test_functions_reach_the_proxy_and_the_proxy_reaches_the_cluster() -> None:
    assert _may_reach("ProxySecurityGroup") == {"FunctionSecurityGroup"}
    assert _may_reach("ClusterSecurityGroup") == {"ProxySecurityGroup", "MigrateSecurityGroup"}
    assert _may_reach("FunctionSecurityGroup") == _may_reach("MigrateSecurityGroup") == set()


def test_only_migrations_may_go_around_the_proxy() -> None:
    groups = {
        name: {group["Ref"] for group in function["VpcConfig"]["SecurityGroupIds"]}
        for name, function in deployed().functions.items()
    }
    assert [name for name, given in groups.items() if "MigrateSecurityGroup" in given] == ["MigrateFunction"]
    assert all("FunctionSecurityGroup" in given for given in groups.values())


def test_no_password_exists_between_function_and_cluster() -> None:
    proxy = deployed().of_type("AWS::RDS::DBProxy")["DatabaseProxy"]
    assert (proxy["DefaultAuthScheme"], proxy["RequireTLS"]) == ("IAM_AUTH", True)
    assert "Auth" not in proxy
    cluster = deployed().of_type("AWS::RDS::DBCluster")["DatabaseCluster"]
    assert (cluster["ManageMasterUserPassword"], cluster["EnableIAMDatabaseAuthentication"]) == (True, True)
    assert "MasterUserPassword" not in cluster


def test_the_data_is_encrypted_backed_up_and_survives_the_stack() -> None:
    resource = deployed().resources["DatabaseCluster"]
    assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Snapshot", "Snapshot")
    assert resource["Properties"]["StorageEncrypted"] is True
    assert resource["Properties"]["DeletionProtection"] == {"Fn::If": ["IsProd", True, False]}
    assert all(stage["BackupDays"] >= 1 for stage in source()["Mappings"]["Stages"].values())
    instances = deployed().of_type("AWS::RDS::DBInstance").values()
    assert [instance["PubliclyAccessible"] for instance in instances] == [False, False]


def test_the_database_asks_for_tls_and_functions_verify_it() -> None:
    parameters = deployed().of_type("AWS::RDS::DBClusterParameterGroup")["DatabaseParameters"]["Parameters"]
    assert parameters["rds.force_ssl"] == "1"
    assert source()["Parameters"]["DatabaseSslMode"]["Default"] == "verify-full"


def test_a_full_pool_is_answered_before_a_request_times_out() -> None:
    pool = deployed().of_type("AWS::RDS::DBProxyTargetGroup")["DatabaseProxyTargetGroup"]
    borrow = pool["ConnectionPoolConfigurationInfo"]["ConnectionBorrowTimeout"]
    assert borrow < deployed().functions["BookingsFunction"]["Timeout"]


def test_a_stage_that_is_deployed_can_not_take_a_shortcut_to_the_database() -> None:
    rule = source()["Rules"]["ShortcutsAreLocal"]
    asserted = {name for check in rule["Assertions"] for name in references(check["Assert"])}
    assert asserted == {"DatabaseAuth", "DatabaseHostOverride", "DatabaseSslMode", "WebhookTargets"}


def test_the_databases_log_has_no_values_and_ends() -> None:
    template = deployed()
    parameters = template.of_type("AWS::RDS::DBClusterParameterGroup")["DatabaseParameters"]["Parameters"]
    assert {name: parameters[name] for name in SILENT_LOG} == SILENT_LOG
    cluster = template.resources["DatabaseCluster"]
    assert cluster["DependsOn"] == "DatabaseLogGroup"  # else RDS makes the group, without an end
    name = cluster["Properties"]["DBClusterIdentifier"]["Fn::Sub"]
    group = template.of_type("AWS::Logs::LogGroup")["DatabaseLogGroup"]
    assert group["LogGroupName"] == {"Fn::Sub": f"/aws/rds/cluster/{name}/postgresql"}
    assert group["RetentionInDays"] == {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "LogRetentionDays"]}
