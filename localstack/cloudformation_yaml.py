"""CloudFormation's YAML, with its short forms."""

from pathlib import Path

import yaml

from localstack.intrinsics import Json, TemplateError


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (``!Ref`` and the like)."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise TemplateError(f"!{suffix} with a mapping")


_Loader.add_multi_constructor("!", _short_form)


def read_yaml(path: Path) -> Json:
    """Read a CloudFormation template."""
    document: Json = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506 - a SafeLoader
    return document
