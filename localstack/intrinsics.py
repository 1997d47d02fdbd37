"""CloudFormation's intrinsic functions, resolved for one local deployment."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

type Json = dict[str, Any]

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")
_NO_VALUE = object()


class TemplateError(RuntimeError):
    """The template uses something that the local stack cannot resolve; the message names it."""


@dataclass(slots=True)
class Resolver:
    """Resolves intrinsic functions within ``template``.

    ``parameters`` hold every parameter's value, ``pseudo`` the ``AWS::`` ones. ``reference`` and
    ``attribute`` answer Ref and Fn::GetAtt of resources.
    """

    template: Json
    parameters: Mapping[str, Any]
    pseudo: Mapping[str, str]
    reference: Callable[[str], str]
    attribute: Callable[[str, str], str]
    _functions: dict[str, Callable[[Any], Any]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Register the functions."""
        self._functions = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": lambda value: value[0].join(str(part) for part in self.resolve(value[1])),
            "Fn::Select": lambda value: self.resolve(value[1])[int(self.resolve(value[0]))],
            "Fn::Split": lambda value: self.resolve(value[1]).split(value[0]),
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::Equals": lambda value: str(self.resolve(value[0])) == str(self.resolve(value[1])),
            "Fn::And": lambda value: all(self.condition_value(part) for part in value),
            "Fn::Or": lambda value: any(self.condition_value(part) for part in value),
            "Fn::Not": lambda value: not self.condition_value(value[0]),
            "Fn::GetAZs": lambda _: [f"{self.pseudo['AWS::Region']}{zone}" for zone in "abc"],
            "Condition": self.condition,
        }

    def resolve(self, value: Any) -> Any:
        """Return the value with every intrinsic function in it replaced by what it means."""
        if isinstance(value, list):
            resolved = [self.resolve(part) for part in value]
            return [part for part in resolved if part is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in self._functions and not (name == "Condition" and not isinstance(argument, str)):
                return self._functions[name](argument)
            if name.startswith("Fn::"):
                raise TemplateError(f"{name} is not known to the local stack")
        pairs = ((key, self.resolve(part)) for key, part in value.items())
        return {key: part for key, part in pairs if part is not _NO_VALUE}

    def condition(self, name: str) -> bool:
        """Return whether a named condition holds.

        Raises TemplateError when the name is unknown.
        """
        try:
            return self.condition_value(self.template["Conditions"][name])
        except KeyError:
            raise TemplateError(f"no condition {name}") from None

    def condition_value(self, value: Any) -> bool:
        """Return the truth of a condition's expression."""
        return bool(self.resolve(value))

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.parameters:
            return self.parameters[name]
        return self.reference(name)

    def _get_att(self, value: str | list[str]) -> str:
        resource, attribute = (
            value.split(".", 1) if isinstance(value, str) else (value[0], ".".join(value[1:]))
        )
        return self.attribute(resource, attribute)

    def _sub(self, value: str | list[Any]) -> str:
        text, extra = (value, {}) if isinstance(value, str) else (value[0], value[1])

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in extra:
                return str(self.resolve(extra[name]))
            return str(self._get_att(name) if "." in name else self._ref(name))

        return _PLACEHOLDER.sub(replace, text)

    def _if(self, value: list[Any]) -> Any:
        return self.resolve(value[1] if self.condition(value[0]) else value[2])

    def _find_in_map(self, value: list[Any]) -> Any:
        name, first, second = (self.resolve(part) for part in value[:3])
        try:
            return self.resolve(self.template["Mappings"][name][first][second])
        except KeyError:
            raise TemplateError(f"no mapping {name}.{first}.{second}") from None
