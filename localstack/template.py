"""The built template as the local stack needs it: typed, translated by SAM's own translator, resolved."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

from localstack.cloudformation_yaml import read_yaml
from localstack.constants import ACCOUNT, REGION
from localstack.intrinsics import Json, Resolver, TemplateError

_FUNCTION_IN_URI = re.compile(r"function:([A-Za-z0-9_-]+)(?::[^/]+)?(?:/invocations)?$")
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_ANY_METHOD = "x-amazon-apigateway-any-method"


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A JWT authorizer of the HTTP API."""

    issuer: str
    audience: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the HTTP API. ``method`` ANY takes every method, ``path`` ``$default`` every path."""

    method: str
    path: str
    function: str
    authorizer: Authorizer | None

    @property
    def key(self) -> str:
        """What AWS calls the route key."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function. ``code`` and ``layers`` are the built directories; times in seconds, sizes in MB.

    ``logging``: how the runtime shall log, as environment variables.
    """

    logical_id: str
    name: str
    handler: str
    code: Path
    layers: tuple[Path, ...]
    memory: int
    timeout: int
    environment: Mapping[str, str]
    reserved_concurrency: int | None
    logging: Mapping[str, str]

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"


@dataclass(frozen=True, slots=True)
class Redrive:
    """Where messages go that were received ``max_receives`` times."""

    target_arn: str
    max_receives: int


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue. Times in seconds."""

    logical_id: str
    name: str
    visibility_seconds: int
    delay_seconds: int
    retention_seconds: int
    receive_wait_seconds: int
    redrive: Redrive | None
    allow_policy: str | None

    @property
    def arn(self) -> str:
        """The queue's ARN."""
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self.name}"


@dataclass(frozen=True, slots=True)
class EventSource:
    """A queue feeding a function. ``window_seconds`` is how long a batch is gathered at most."""

    queue: str
    function: str
    batch_size: int
    window_seconds: int
    reports_failures: bool
    max_concurrency: int | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function invoked again and again."""

    name: str
    function: str
    every_seconds: int
    payload: str


@dataclass(frozen=True, slots=True)
class CustomResource:
    """A resource that a function makes, at each deployment. ``kind`` is like ``Custom::Migration``."""

    logical_id: str
    kind: str
    function: str


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything of the template that runs locally. Functions and queues by logical id.

    ``stages``: the API's, by name; all but ``$default`` are the first part of their paths.
    """

    functions: Mapping[str, Function]
    queues: Mapping[str, Queue]
    routes: tuple[Route, ...]
    event_sources: tuple[EventSource, ...]
    schedules: tuple[Schedule, ...]
    custom_resources: tuple[CustomResource, ...]
    key_aliases: tuple[str, ...]
    stages: frozenset[str]

    def dead_letter_sources(self) -> dict[str, list[str]]:
        """Return each dead-letter queue with the queues whose failed messages go there, by logical id."""
        by_arn = {queue.arn: name for name, queue in self.queues.items()}
        sources: dict[str, list[str]] = {}
        for name, queue in self.queues.items():
            if queue.redrive and queue.redrive.target_arn in by_arn:
                sources.setdefault(by_arn[queue.redrive.target_arn], []).append(name)
        return sources


@dataclass(slots=True)
class Reader:
    """Reads one built template. See ``read_stack``."""

    base: Path
    source: Json
    overrides: Mapping[str, str]
    sqs_endpoint: str
    paths: dict[str, Path] = field(default_factory=dict)
    resources: Json = field(default_factory=dict)
    resolver: Resolver = field(init=False)

    def read(self) -> Stack:
        """Return the stack."""
        parameters = self._parameters()
        self._take_paths()
        translated = self._translate(parameters)
        self.resources = translated["Resources"]
        pseudo = {
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::StackName": "maitred-local",
            "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/maitred-local/0",
        }
        self.resolver = Resolver(translated, parameters, pseudo, self._reference, self._attribute)
        return Stack(
            functions={name: self._function(name) for name, _ in self._of_type("AWS::Lambda::Function")},
            queues={name: self._queue(name) for name, _ in self._of_type("AWS::SQS::Queue")},
            routes=tuple(self._routes()),
            event_sources=tuple(self._event_sources()),
            schedules=tuple(self._schedules()),
            custom_resources=tuple(self._custom_resources()),
            key_aliases=tuple(
                self._physical_name(name, "AliasName") for name, _ in self._of_type("AWS::KMS::Alias")
            ),
            stages=frozenset(
                self._get(name, "StageName") for name, _ in self._of_type("AWS::ApiGatewayV2::Stage")
            ),
        )

    def _parameters(self) -> dict[str, str | list[str]]:
        declared: Json = self.source.get("Parameters", {})
        values = {
            name: self.overrides.get(name, declaration.get("Default"))
            for name, declaration in declared.items()
        }
        if missing := sorted(name for name, value in values.items() if value is None):
            raise TemplateError(f"the local stack gives no value for the parameters {', '.join(missing)}")
        lists = {name for name in declared if "List" in str(declared[name].get("Type"))}
        return {
            name: str(value).split(",") if name in lists else str(value) for name, value in values.items()
        }

    def _take_paths(self) -> None:
        """Remember the built directories; the translator wants S3 addresses in their place."""
        for name, resource in self.source["Resources"].items():
            for key in ("CodeUri", "ContentUri"):
                if isinstance(resource.get("Properties", {}).get(key), str):
                    self.paths[name] = self.base / resource["Properties"][key]
                    resource["Properties"][key] = f"s3://local/{name}"

    def _translate(self, parameters: Mapping[str, str | list[str]]) -> Json:
        logging.getLogger("samtranslator").setLevel(
            logging.ERROR
        )  # it warns about features that are not used
        # Without a default region the translator asks the environment and fails on a bare machine.
        session = boto3.Session(region_name=REGION, aws_access_key_id="local", aws_secret_access_key="local")  # noqa: S106
        translator = Translator({}, Parser(), boto_session=session)
        document: Json = translator.translate(self.source, dict(parameters))
        return document

    def _of_type(self, kind: str) -> Iterator[tuple[str, Json]]:
        """Yield the resources of a type whose condition holds: logical id, properties."""
        for name, resource in self.resources.items():
            if resource["Type"] != kind:
                continue
            if "Condition" not in resource or self.resolver.condition(resource["Condition"]):
                yield name, resource.get("Properties", {})

    def _get(self, name: str, key: str, default: Any = None) -> Any:
        properties = self.resources[name].get("Properties", {})
        return self.resolver.resolve(properties[key]) if key in properties else default

    def _physical_name(self, name: str, key: str) -> str:
        return str(self._get(name, key, name))

    def _reference(self, name: str) -> str:
        kind = self._kind(name)
        if kind == "AWS::SQS::Queue":
            return f"{self.sqs_endpoint}/{ACCOUNT}/{self._physical_name(name, 'QueueName')}"
        if kind == "AWS::Lambda::Function":
            return self._physical_name(name, "FunctionName")
        if kind == "AWS::KMS::Alias":
            return self._physical_name(name, "AliasName")
        if kind == "AWS::Lambda::Alias":
            return f"{self._function_arn(self._get(name, 'FunctionName'))}:{self._get(name, 'Name')}"
        return name

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self._kind(name)
        if (kind, attribute) == ("AWS::SQS::Queue", "Arn"):
            return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{self._physical_name(name, 'QueueName')}"
        if (kind, attribute) == ("AWS::SQS::Queue", "QueueName"):
            return self._physical_name(name, "QueueName")
        if (kind, attribute) == ("AWS::Lambda::Function", "Arn"):
            return self._function_arn(self._physical_name(name, "FunctionName"))
        return f"{name}.{attribute}"

    def _kind(self, name: str) -> str:
        try:
            kind: str = self.resources[name]["Type"]
        except KeyError:
            raise TemplateError(f"the template has no resource or parameter {name}") from None
        return kind

    @staticmethod
    def _function_arn(name: str) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"

    def _function(self, name: str) -> Function:
        layers = self._layers(self.resources[name]["Properties"].get("Layers", []))
        variables: Json = (self._get(name, "Environment") or {}).get("Variables", {})
        reserved = self._get(name, "ReservedConcurrentExecutions")
        return Function(
            logical_id=name,
            name=self._physical_name(name, "FunctionName"),
            handler=self._get(name, "Handler"),
            code=self.paths[name],
            layers=layers,
            memory=int(self._get(name, "MemorySize", 128)),
            timeout=int(self._get(name, "Timeout", 3)),
            environment={key: str(value) for key, value in variables.items()},
            reserved_concurrency=None if reserved is None else int(reserved),
            logging=_logging(self._get(name, "LoggingConfig") or {}),
        )

    def _layers(self, references: list[Any]) -> tuple[Path, ...]:
        """Layers are versioned: the translated logical id is the source's and a hash."""
        names = [
            reference["Ref"] for reference in references if isinstance(reference, dict) and "Ref" in reference
        ]
        return tuple(
            path
            for name in names
            for known, path in self.paths.items()
            if re.fullmatch(f"{known}([0-9a-f]{{10}})?", name)
        )

    def _queue(self, name: str) -> Queue:
        policy = self._get(name, "RedrivePolicy")
        redrive = policy and Redrive(policy["deadLetterTargetArn"], int(policy["maxReceiveCount"]))
        return Queue(
            logical_id=name,
            name=self._physical_name(name, "QueueName"),
            visibility_seconds=int(self._get(name, "VisibilityTimeout", 30)),
            delay_seconds=int(self._get(name, "DelaySeconds", 0)),
            retention_seconds=int(self._get(name, "MessageRetentionPeriod", 345600)),
            receive_wait_seconds=int(self._get(name, "ReceiveMessageWaitTimeSeconds", 0)),
            redrive=redrive,
            allow_policy=json.dumps(allowed) if (allowed := self._get(name, "RedriveAllowPolicy")) else None,
        )

    def _function_of(self, address: str) -> str:
        """Return the logical id of the function that an ARN, name or integration address means."""
        match = _FUNCTION_IN_URI.search(address)
        wanted = match.group(1) if match else address
        for name, _ in self._of_type("AWS::Lambda::Function"):
            if self._physical_name(name, "FunctionName") == wanted:
                return name
        raise TemplateError(f"{address} is not a function of this template")

    def _event_sources(self) -> Iterator[EventSource]:
        queues = {self._queue(name).arn: name for name, _ in self._of_type("AWS::SQS::Queue")}
        for name, _ in self._of_type("AWS::Lambda::EventSourceMapping"):
            if not self._get(name, "Enabled", True):
                continue
            yield EventSource(
                queue=queues[self._get(name, "EventSourceArn")],
                function=self._function_of(self._get(name, "FunctionName")),
                batch_size=int(self._get(name, "BatchSize", 10)),
                window_seconds=int(self._get(name, "MaximumBatchingWindowInSeconds", 0)),
                reports_failures="ReportBatchItemFailures" in self._get(name, "FunctionResponseTypes", []),
                max_concurrency=_optional_int(self._get(name, "ScalingConfig", {}).get("MaximumConcurrency")),
            )

    def _schedules(self) -> Iterator[Schedule]:
        for name, _ in self._of_type("AWS::Scheduler::Schedule"):
            if self._get(name, "State", "ENABLED") != "ENABLED":
                continue
            expression = self._get(name, "ScheduleExpression")
            match = _RATE.fullmatch(expression)
            if match is None:
                raise TemplateError(
                    f"{name}: the local stack knows rate(...) schedules only, not {expression}"
                )
            target = self._get(name, "Target")
            yield Schedule(
                name=name,
                function=self._function_of(target["Arn"]),
                every_seconds=int(match.group(1)) * _SECONDS[match.group(2)],
                payload=target.get("Input", "{}"),
            )

    def _custom_resources(self) -> Iterator[CustomResource]:
        for kind in sorted({resource["Type"] for resource in self.resources.values()}):
            if kind.startswith("Custom::"):
                for name, _ in self._of_type(kind):
                    yield CustomResource(name, kind, self._function_of(self._get(name, "ServiceToken")))

    def _routes(self) -> Iterator[Route]:
        for name, _ in self._of_type("AWS::ApiGatewayV2::Api"):
            body = self._get(name, "Body", {})
            schemes = body.get("components", {}).get("securitySchemes", {})
            authorizers = {key: _authorizer(scheme) for key, scheme in schemes.items()}
            for path, methods in body.get("paths", {}).items():
                for method, operation in methods.items():
                    yield self._route(path, method, operation, authorizers)

    def _route(self, path: str, method: str, operation: Json, authorizers: Mapping[str, Authorizer]) -> Route:
        security = operation.get("security") or [{}]
        named = next((authorizers[key] for key in security[0] if key in authorizers), None)
        return Route(
            method="ANY" if method == _ANY_METHOD else method.upper(),
            path="$default" if path in {"$default", "/$default"} else path,
            function=self._function_of(operation["x-amazon-apigateway-integration"]["uri"]),
            authorizer=named,
        )


def _authorizer(scheme: Json) -> Authorizer:
    jwt = scheme["x-amazon-apigateway-authorizer"]["jwtConfiguration"]
    return Authorizer(issuer=jwt["issuer"], audience=tuple(jwt["audience"]))


def _optional_int(value: Any) -> int | None:
    return None if value is None else int(value)


def read_stack(path: Path, parameters: Mapping[str, str], *, sqs_endpoint: str) -> Stack:
    """Read the template that ``sam build`` wrote.

    ``parameters`` override the defaults of those the template declares.
    Raises TemplateError when something cannot be resolved.
    """
    return Reader(path.parent, read_yaml(path), parameters, sqs_endpoint).read()


def _logging(config: Json) -> dict[str, str]:
    """What Lambda passes to the runtime for a ``LoggingConfig``."""
    names = {"LogFormat": "AWS_LAMBDA_LOG_FORMAT", "ApplicationLogLevel": "AWS_LAMBDA_LOG_LEVEL"}
    return {names[key]: str(value) for key, value in config.items() if key in names}
