"""The template as CloudFormation sees it: read, translated offline, and easy to ask."""

import copy
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

type Json = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-west-1"
GIVEN = {
    "JwtIssuer": "https://issuer.example/",
    "JwtAudience": "maitred",
    "VpcId": "vpc-1",
    "PrivateSubnetIds": ["subnet-1", "subnet-2"],
}


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return {name: text.split(".", 1) if name == "Fn::GetAtt" else text}
    assert isinstance(node, yaml.SequenceNode), f"!{suffix} with a mapping"
    return {name: loader.construct_sequence(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


def source() -> Json:
    """template.yaml as it is written."""
    document: Json = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return document


@functools.cache
def _translated(stage: str, layer: str) -> Json:
    document = source()
    for name, resource in document["Resources"].items():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = f"s3://code/{name}"
        if "ContentUri" in properties:
            properties["ContentUri"] = f"s3://code/{layer}"
    session = boto3.Session(region_name=REGION, aws_access_key_id="none", aws_secret_access_key="none")
    translator = Translator({}, Parser(), boto_session=session)
    result: Json = translator.translate(document, {"Stage": stage, **GIVEN})
    return result


def deployed(stage: str = "prod", layer: str = "layer-1") -> "Deployed":
    """What CloudFormation gets for a stage; ``layer`` stands for the layer's content."""
    return Deployed(copy.deepcopy(_translated(stage, layer)))


@dataclass(frozen=True, slots=True)
class Deployed:
    """A translated template."""

    document: Json

    @property
    def resources(self) -> dict[str, Json]:
        resources: dict[str, Json] = self.document["Resources"]
        return resources

    def of_type(self, kind: str) -> dict[str, Json]:
        """Logical id and properties of each resource of a type."""
        return {
            name: body.get("Properties", {}) for name, body in self.resources.items() if body["Type"] == kind
        }

    @property
    def functions(self) -> dict[str, Json]:
        return self.of_type("AWS::Lambda::Function")

    def environment(self, function: str) -> Json:
        variables: Json = self.functions[function]["Environment"]["Variables"]
        return variables

    def statements(self, function: str) -> Iterator[Json]:
        """The statements of a function's role that are ours: not those of AWS's managed policies."""
        role = self.resources[f"{function}Role"]["Properties"]
        for policy in role.get("Policies", []):
            yield from as_list(policy["PolicyDocument"]["Statement"])
        for arn in role["ManagedPolicyArns"]:
            if isinstance(arn, dict) and "Ref" in arn:
                yield from self.resources[arn["Ref"]]["Properties"]["PolicyDocument"]["Statement"]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def folder(function: str) -> str:
    """The folder of a function: BookingsFunction is bookings."""
    return function.removesuffix("Function").lower()


def references(value: Any) -> Iterator[str]:
    """Every logical id or parameter that a piece of template names."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref":
                yield inner
            elif key == "Fn::GetAtt":
                yield inner[0] if isinstance(inner, list) else inner.split(".")[0]
            elif key == "Fn::Sub":
                yield from _substituted(inner)
            else:
                yield from references(inner)


def _substituted(value: Any) -> Iterator[str]:
    text, given = (value, {}) if isinstance(value, str) else value
    for piece in text.split("${")[1:]:
        name = piece.split("}")[0].split(".")[0]
        if name not in given and not name.startswith("!"):
            yield name
    yield from references(given)
