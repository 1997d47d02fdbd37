"""Arrows point inwards, and the inner rings read no clock, no environment, no chance."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "layers" / "shared" / "maitred"
ROOMS = [
    "services/booking",
    "services/evening",
    "services/job",
    "services/shift",
    "services/webhooks",
    "services/staff",
    "services/upkeep",
]
_CORE = [
    "domain",
    "planner",
    "planner/floor",
    "planner/day",
    "planner/search",
    "planner/answer",
    "planner/shift",
    "contracts",
]
_GROUND = ["services", "services/ports", "services/assignment", "services/messaging"]
_SERVICES = [*_GROUND, "services/messaging/mail", *ROOMS]
_ADAPTERS = ["adapters", "adapters/postgres", "adapters/highs", "adapters/telemetry"]
#: What the modules of each folder may import of the others. ``planner!`` is the planner's door, its
#: ``__init__``; every other ``__init__`` counts as its folder. A folder without a row fails.
ARROWS: dict[str, list[str]] = {
    ".": [],  # configuration
    "domain": [],
    "planner": ["domain"],
    "planner/floor": ["domain", "planner"],
    "planner/day": ["domain", "planner", "planner/floor"],
    "planner/search": ["domain", "planner", "planner/floor", "planner/day"],
    "planner/answer": ["domain", "planner", "planner/floor", "planner/day", "planner/search"],
    "planner/shift": ["domain", "planner", "planner/floor", "planner/day", "planner/search"],
    "planner!": ["planner", "planner/floor", "planner/day", "planner/answer"],
    "contracts": [each for each in _CORE if each != "contracts"],
    "services/ports": ["domain", "planner"],
    "services": [*_CORE, "services/ports"],
    "services/messaging/mail": ["domain"],
    "services/messaging": [*_CORE, "services", "services/ports", "services/messaging/mail"],
    "services/assignment": [*_CORE, "services", "services/ports"],
    **{room: [*_CORE, *_GROUND] for room in ROOMS},
    "adapters/postgres": [".", *_CORE, *_SERVICES],
    "adapters/highs": [*_CORE, *_SERVICES],
    "adapters/telemetry": [*_CORE, *_SERVICES, "adapters/postgres"],
    "adapters": [*_CORE, *_SERVICES],
    "bootstrap": [".", *_CORE, *_SERVICES, *_ADAPTERS],
    "entrypoints": [".", *_CORE, *_SERVICES, "adapters/telemetry", "bootstrap"],
}
#: What a folder may import besides the standard library and our own; absent: anything that is installed.
LIBRARIES = {
    "domain": (),
    "planner": (),
    "contracts": ("pydantic", "pydantic_core"),
    "services": ("pydantic",),
}
STANDARD = frozenset(
    {
        "abc", "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime",
        "difflib", "enum", "functools", "hashlib", "heapq", "hmac", "html", "http", "importlib", "ipaddress",
        "itertools",
        "json", "logging", "math", "operator", "re", "string", "tomllib", "traceback", "types", "typing",
        "unicodedata", "urllib", "uuid", "zoneinfo",
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


def folder_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE)
    if inside == Path("planner/__init__.py"):
        return "planner!"
    return inside.parent.as_posix()


def module_of(path: Path) -> str:
    return ".".join(("maitred", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


SOURCES = sorted(PACKAGE.rglob("*.py"))
FOLDERS = {module_of(path): folder_of(path) for path in SOURCES}
every_module = pytest.mark.parametrize("path", SOURCES, ids=module_of)


def arrows(path: Path) -> set[str]:
    """The other folders of ours that a module imports from."""
    ours = {name for name in imports(ast.parse(path.read_text())) if within(name, ("maitred",))}
    reached = {FOLDERS.get(name) or FOLDERS[name.rpartition(".")[0]] for name in ours}
    return reached - {folder_of(path)}


@every_module
def test_only_inward(path: Path) -> None:
    assert arrows(path) - set(ARROWS[folder_of(path)]) == set()


def test_every_folder_has_a_row_and_no_row_is_left_over() -> None:
    assert ARROWS.keys() == set(FOLDERS.values())


def test_no_folders_import_each_other_in_a_circle() -> None:
    found = {
        folder: set().union(*(arrows(path) for path in SOURCES if folder_of(path) == folder))
        for folder in ARROWS
    }
    assert list(TopologicalSorter(found).static_order())


@every_module
def test_only_known_libraries(path: Path) -> None:
    ring = folder_of(path).partition("/")[0].rstrip("!")
    if ring not in LIBRARIES:
        return
    others = {
        name
        for name in imports(ast.parse(path.read_text()))
        if not within(name, ("maitred", *LIBRARIES[ring])) and name.partition(".")[0] not in STANDARD
    }
    assert others == set()


@every_module
def test_data_in_data_out(path: Path) -> None:
    if folder_of(path).partition("/")[0].rstrip("!") not in LIBRARIES:
        return
    impure = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in IMPURE:
            impure.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            impure.append((node.lineno, node.id))
    assert impure == []


@pytest.mark.parametrize("folder", ["services", "planner"])
def test_few_modules_stand_outside_the_rooms(folder: str) -> None:
    outside = [path.name for path in (PACKAGE / folder).glob("*.py") if path.name != "__init__.py"]
    assert len(outside) <= 8, outside


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
    assert readers == {"adapters/telemetry/recorder.py"}


def test_nothing_happens_at_import_but_definitions() -> None:
    """No call at a module's top level, but those that make a constant."""
    allowed = {
        "re.compile", "frozenset", "logging.getLogger", "timedelta", "tuple", "dict", "cache", "len", "range",
        "set", "TypeVar", "dict.fromkeys", "sum", "max", "min", "MappingProxyType", "StringConstraints",
        "Field", "AfterValidator", "TurnTimeDocument", "Policy",
        "enumerate", "namedtuple", "date", "datetime", "ConfigDict",
        "Call", "ports.IdempotencyKey", "Reason",
        "PlannerOptions", "SameFlags", "Moved", "Refusal", "learn_demand",
        "BeforeValidator", "Metric", "Told", "ContextVar", "sorted", "Routes", "SeenLayout", "UUID",
    }  # fmt: skip
    for path in PACKAGE.rglob("*.py"):
        for statement in ast.parse(path.read_text()).body:
            if not isinstance(
                statement, ast.Assign | ast.AnnAssign | ast.Expr | ast.For | ast.While | ast.With
            ):
                continue
            called = {ast.unparse(node.func) for node in ast.walk(statement) if isinstance(node, ast.Call)}
            assert called <= allowed, f"{path.relative_to(PACKAGE)}:{statement.lineno}"
