"""Rehearses a deployment: ``sam deploy`` of template.yaml, unchanged, against an emulator on this machine.

The emulator really creates what it knows, invokes MigrateFunction as CloudFormation would, and the migrations
run on a PostgreSQL of this rehearsal. Types that it does not know are recorded only, and named in the report.
Exit code 0: every resource of the template reached CREATE_COMPLETE.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import boto3
import psycopg
from botocore.exceptions import BotoCoreError

from localstack.build import build
from localstack.postgres import PostgresServer
from localstack.processes import spawn, stop
from localstack.rehearsal_emulator import PLACEHOLDERS, REGION
from tools.environments import ROOT, environment

STACK = "maitred-rehearsal"
OWNER, DATABASE = "maitred_owner", "maitred"
START_SECONDS, STOP_SECONDS, TOOL_SECONDS = 30, 5, 300


class RehearsalError(RuntimeError):
    """The rehearsal could not be carried out; the message says why."""


def main() -> int:
    """Rehearse and report: 0 if every resource was created."""
    with tempfile.TemporaryDirectory(prefix="maitred-rehearsal-") as folder:
        try:
            return _rehearse(Path(folder))
        except RehearsalError as failure:
            print(failure, file=sys.stderr)
            return 1


def _rehearse(folder: Path) -> int:
    template = _build(folder)
    server = PostgresServer(folder / "postgres", durable=False, user=OWNER)
    with server, _emulator(folder) as variables:
        server.ensure_database(DATABASE)
        print("deploying")
        _sam(variables, folder, *_deployment(template, _network(variables), server.port))
        return _report(variables, server)


def _build(folder: Path) -> Path:
    """Build as for the cloud; then add this machine's binaries, so that a function can run here."""
    print("building")
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    target = folder / "build"
    _sam(own | {"AWS_DEFAULT_REGION": REGION}, folder, "build", "--build-dir", str(target))
    here = build(print).parent
    shutil.copytree(here / "SharedLayer" / "python", target / "SharedLayer" / "python", dirs_exist_ok=True)
    return target / "template.yaml"


def _deployment(template: Path, network: Mapping[str, str], database_port: int) -> tuple[str, ...]:
    parameters = {
        "Stage": "local",
        "JwtIssuer": "https://issuer.invalid/",
        "JwtAudience": "maitred",
        "DatabaseAuth": "trust",
        "DatabaseHostOverride": "127.0.0.1",
        "DatabasePort": str(database_port),
        "DatabaseSslMode": "disable",
        "DatabaseOwner": OWNER,
        "DatabaseName": DATABASE,
    }
    values = [f"{name}={value}" for name, value in {**parameters, **network}.items()]
    options = (
        "--resolve-s3",
        "--capabilities",
        "CAPABILITY_IAM",
        "--no-confirm-changeset",
        "--no-progressbar",
    )
    return (
        "deploy",
        "--template-file",
        str(template),
        "--stack-name",
        STACK,
        *options,
        "--parameter-overrides",
        *values,
    )


def _sam(variables: Mapping[str, str], folder: Path, *arguments: str) -> None:
    """Run the SAM CLI; its output is shown only if it fails. Raises RehearsalError then."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    done = subprocess.run(
        (str(environment("sam").parent / "sam"), *arguments),
        env={**variables, "PATH": path, "SAM_CLI_TELEMETRY": "0", "__SAM_CLI_APP_DIR": str(folder / "sam")},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TOOL_SECONDS,
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise RehearsalError("\n".join((f"sam {arguments[0]} failed:", *said, *_complaints(folder))))


@contextmanager
def _emulator(folder: Path) -> Iterator[dict[str, str]]:
    """The emulator on a free port; yields the environment in which AWS is this emulator and nothing else."""
    (folder / "tmp").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "emulator.log").open("wb") as log:
        listener.set_inheritable(True)
        port = listener.getsockname()[1]
        aws = {
            "AWS_ACCESS_KEY_ID": "rehearsal",
            "AWS_SECRET_ACCESS_KEY": "rehearsal",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "PATH": os.environ.get("PATH", os.defpath),
        }
        script = Path(__file__).with_name("rehearsal_emulator.py")
        process = spawn(
            (str(environment("emulator")), str(script), str(listener.fileno())),
            environment=aws | {"GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1"},
            output=log.fileno(),
            inherited=(listener.fileno(),),
        )
        try:
            _wait(aws, process, folder)
            yield aws
        finally:
            stop(process, grace=STOP_SECONDS)


def _wait(variables: Mapping[str, str], process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            _client("sts", variables).get_caller_identity()
        except BotoCoreError:
            time.sleep(0.1)
        else:
            return
    raise RehearsalError("\n".join(("the emulator did not start:", *_complaints(folder))))


def _network(variables: Mapping[str, str]) -> dict[str, str]:
    """A VPC with two subnets, which the template takes as given."""
    ec2 = _client("ec2", variables)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")[
            "Subnet"
        ]["SubnetId"]
        for n, zone in enumerate("ab")
    ]
    return {"VpcId": vpc, "PrivateSubnetIds": ",".join(subnets)}


def _report(variables: Mapping[str, str], server: PostgresServer) -> int:
    cloudformation = _client("cloudformation", variables)
    processed = cloudformation.get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    conditional = {name for name, body in processed["Resources"].items() if "Condition" in body}
    created = {
        row["LogicalResourceId"]: row
        for row in cloudformation.describe_stack_resources(StackName=STACK)["StackResources"]
        if row["ResourceStatus"] == "CREATE_COMPLETE"
    }
    missing = sorted(set(processed["Resources"]) - conditional - set(created))
    for kind, count in sorted(Counter(row["ResourceType"] for row in created.values()).items()):
        print(f"  {count:3}  {kind}" + ("   (recorded only, not emulated)" if kind in PLACEHOLDERS else ""))
    print(f"not created: {', '.join(missing)}" if missing else f"all {len(created)} resources created")
    if conditional - set(created):
        print(f"not of this stage: {', '.join(sorted(conditional - set(created)))}")
    print("recorded only: the alarms that compute with several metrics")
    print("supplied beside the emulator: the cluster's MasterUserSecret.SecretArn and DBClusterResourceId")
    print(f"migrations applied by MigrateFunction: {_migrations(server)}")
    return 1 if missing else 0


def _migrations(server: PostgresServer) -> int:
    with psycopg.connect(server.dsn(DATABASE)) as connection:
        row = connection.execute("SELECT count(*) FROM schema_migrations").fetchone()
        return cast("int", row[0]) if row else 0


def _client(service: str, variables: Mapping[str, str]) -> Any:
    make: Any = boto3.client  # its type knows no service by a variable's name
    return make(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=REGION,
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


def _complaints(folder: Path) -> list[str]:
    """What the emulator logged about it, if it ran."""
    log = folder / "emulator.log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return [line for line in lines if "ERROR" in line or "Error" in line][-10:]


if __name__ == "__main__":
    sys.exit(main())
