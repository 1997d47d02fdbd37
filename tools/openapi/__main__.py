"""``python -m tools.openapi [--check]``: docs/openapi.json, and the copy that the API serves."""

import argparse
import json
import sys
from pathlib import Path

from tools.openapi.document import document

_ROOT = Path(__file__).parents[2]
PUBLISHED = _ROOT / "docs" / "openapi.json"
SERVED = _ROOT / "layers" / "shared" / "maitred" / "entrypoints" / "openapi.json"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only compare")
    check = arguments.parse_args().check
    found = document()
    texts = {
        PUBLISHED: json.dumps(found, indent=1, ensure_ascii=False) + "\n",
        SERVED: json.dumps(found, separators=(",", ":"), ensure_ascii=False) + "\n",
    }
    if not check:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{path.relative_to(_ROOT)} is stale: run make openapi", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
