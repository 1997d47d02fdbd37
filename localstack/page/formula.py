"""CloudWatch's metric math, as far as dashboards need it: + - * /, FILL, SUM, AVG, MIN, MAX. Pure.

A value is a number, or a number for each period (by its place) in which there is one.
"""

import ast
import operator
from collections.abc import Callable, Mapping, Sequence

type Value = float | dict[int, float]

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_OVER: Mapping[str, Callable[[Sequence[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}


class Unknown(ValueError):
    """Only CloudWatch can compute this formula."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text} is known to CloudWatch only")


def evaluate(text: str, known: Mapping[str, dict[int, float]], places: Sequence[int]) -> Value:
    """Return what a formula gives for the metrics that are ``known`` by their ids.

    Raises Unknown for what is known to CloudWatch only.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise Unknown(text) from error
    return _Formula(text, known, places).value(tree.body)


class _Formula:
    def __init__(self, text: str, known: Mapping[str, dict[int, float]], places: Sequence[int]) -> None:
        self._text = text
        self._known = known
        self._places = places

    def value(self, node: ast.expr) -> Value:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id=name) if name in self._known:
                return self._known[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _combine(operator.sub, 0.0, self.value(operand))
            case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _OPERATORS:
                return _combine(_OPERATORS[type(operation)], self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id="FILL"), args=[metric, filler]):
                return self._filled(self.value(metric), self.value(filler))
            case ast.Call(func=ast.Name(id=name), args=[what]) if name in _OVER:
                return self._over(_OVER[name], what)
        raise Unknown(self._text)

    def _filled(self, metric: Value, filler: Value) -> Value:
        if isinstance(metric, float) or not isinstance(filler, float):
            raise Unknown(self._text)
        return dict.fromkeys(self._places, filler) | metric

    def _over(self, function: Callable[[Sequence[float]], float], what: ast.expr) -> Value:
        """Of a list: a value for each period. Of one metric: one number over all its periods."""
        if not isinstance(what, ast.List | ast.Call):
            value = self.value(what)
            values = list(value.values()) if isinstance(value, dict) else [value]
            return float(function(values)) if values else {}
        lines = self._list(what)
        places = sorted({place for line in lines for place in line})
        return {place: function([line[place] for line in lines if place in line]) for place in places}

    def _list(self, what: ast.List | ast.Call) -> list[dict[int, float]]:
        match what:
            case ast.Call(func=ast.Name(id="METRICS"), args=[]):
                return list(self._known.values())
            case ast.List(elts=parts):
                lines = [self.value(part) for part in parts]
                return [
                    line if isinstance(line, dict) else dict.fromkeys(self._places, line) for line in lines
                ]
        line = self.value(what)
        return [line] if isinstance(line, dict) else []


def _combine(operation: Callable[[float, float], float], left: Value, right: Value) -> Value:
    """A period that one side lacks, or in which it would be divided by zero, has no value."""
    if isinstance(left, float) and isinstance(right, float):
        return {} if operation is operator.truediv and right == 0 else operation(left, right)
    places = set(left if isinstance(left, dict) else right if isinstance(right, dict) else ())
    if isinstance(left, dict) and isinstance(right, dict):
        places &= set(right)
    found = {}
    for place in sorted(places):
        one = left[place] if isinstance(left, dict) else left
        other = right[place] if isinstance(right, dict) else right
        if operation is not operator.truediv or other != 0:
            found[place] = operation(one, other)
    return found
