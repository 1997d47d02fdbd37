"""Loads the named SQL statements from the files of `sql/`."""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load_statements(folder: Path = Path(__file__).parent / "sql") -> dict[str, bytes]:
    """All statements by name. Raises ValueError if two have the same name."""
    statements: dict[str, bytes] = {}
    for path in sorted(folder.glob("*.sql")):
        parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in statements:
                raise ValueError(f"statement {name} is defined twice")
            statements[name] = text.strip().encode()
    return statements
