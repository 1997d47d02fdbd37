"""Arrows point inwards, and the inner rings read no clock, no environment, no chance."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "layers" / "shared" / "maitred"
# Of ours, what each ring may import; of others, besides the standard library.
INWARD = {
    "domain": (("maitred.domain",), ()),
    "planner": (("maitred.domain", "maitred.planner"), ()),
    "contracts": (("maitred.domain", "maitred.planner", "maitred.contracts"), ("pydantic", "pydantic_core")),
    "services": (
        (
            "maitred.domain",
            "maitred.planner",
            "maitred.contracts",
            "maitred.services",
            "maitred.telemetry.attempts",
            "maitred.telemetry.events",
            "maitred.telemetry.names",
        ),
        ("pydantic",),
    ),
}
STANDARD = frozenset(
    {
        "abc", "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime", "enum",
        "functools", "hashlib", "heapq", "html", "importlib", "itertools", "json", "logging",
        "math", "operator", "re", "string", "tomllib", "traceback", "types", "typing", "uuid", "zoneinfo",
    }
)  # fmt: skip
#: ``module.name`` or ``Class.method`` whose answer is not decided by the arguments.
IMPURE = frozenset(
    {
        "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.monotonic",
        "time.perf_counter", "time.sleep", "os.environ", "os.getenv", "uuid.uuid4", "uuid.uuid1",
        "random.random",
    }
)  # fmt: skip
IMPURE_NAMES = frozenset({"uuid4", "uuid1", "getenv", "environ", "monotonic_ns", "open", "print", "input"})


def modules(ring: str) -> list[Path]:
    found = sorted((PACKAGE / ring).rglob("*.py"))
    assert len(found) > 3, ring
    return found


def imports(tree: ast.Module) -> Iterator[str]:
    """What is imported, ``from a import b`` as ``a.b``; types alone (TYPE_CHECKING) count as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


every_module = pytest.mark.parametrize(
    ("ring", "path"),
    [(ring, path) for ring in INWARD for path in modules(ring)],
    ids=lambda value: value if isinstance(value, str) else value.stem,
)


@every_module
def test_only_inward(ring: str, path: Path) -> None:
    ours, others = INWARD[ring]
    outward = [
        name
        for name in imports(ast.parse(path.read_text()))
        if not within(name, ours) and not within(name, others) and name.partition(".")[0] not in STANDARD
    ]
    assert outward == []


@every_module
def test_data_in_data_out(ring: str, path: Path) -> None:
    impure = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in IMPURE:
            impure.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            impure.append((node.lineno, node.id))
    assert impure == []


def test_only_the_wiring_reads_the_environment() -> None:
    """Besides it, the recorder looks whether a tracing daemon listens."""
    readers = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "bootstrap" not in path.parts
        and any(
            isinstance(n, ast.Attribute) and ast.unparse(n) == "os.environ"
            for n in ast.walk(ast.parse(path.read_text()))
        )
    }
    assert readers == {"telemetry/recorder.py"}


def test_nothing_happens_at_import_but_definitions() -> None:
    """No call at a module's top level, but those that make a constant."""
    allowed = {
        "re.compile", "frozenset", "logging.getLogger", "timedelta", "tuple", "dict", "cache", "len", "range",
        "set", "TypeVar", "dict.fromkeys", "sum", "max", "min", "MappingProxyType", "StringConstraints",
        "Field", "AfterValidator", "TurnTimeDocument",
        "enumerate", "namedtuple", "date", "datetime", "ConfigDict",
        "ports.IdempotencyKey", "Reason", "PlannerOptions", "learn_demand", "BeforeValidator",
        "Metric", "Told", "ContextVar", "sorted",
    }  # fmt: skip
    for path in PACKAGE.rglob("*.py"):
        for statement in ast.parse(path.read_text()).body:
            if not isinstance(
                statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.For | ast.While | ast.With
            ):
                continue
            called = {ast.unparse(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call)}
            assert called <= allowed, f"{path.relative_to(PACKAGE)}:{statement.lineno}"
