"""Compiles the hashed requirements files from pyproject.toml; ``--check`` only reports those that are stale.

Pins that still fit are kept; ``--upgrade`` takes the newest of everything. No file ever names a registry.
"""

import argparse
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYER = Path("layers/shared/requirements.txt")
SOLVERS = (Path("functions/assign/requirements.txt"), Path("functions/optimize/requirements.txt"))
# The sources of each file: the product's own dependencies, a group, or both.
SOURCES = {
    LAYER: ("pyproject.toml",),
    **dict.fromkeys(SOLVERS, ("--group", "solver")),
    Path("requirements/dev.txt"): ("pyproject.toml", "--group", "dev"),
    **{
        Path(f"requirements/{name}.txt"): ("--group", name)
        for name in ("bootstrap", "runtime", "emulator", "sam")
    },
}


def main() -> int:
    """Write the files, or with ``--check`` compare them: 1 if one is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail if a file is stale")
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    options = parser.parse_args()
    with ThreadPoolExecutor() as pool:
        compiled = list(pool.map(lambda path: _compile(path, upgrade=options.upgrade), SOURCES))
    stale = [path for path, text in zip(SOURCES, compiled, strict=True) if text != (ROOT / path).read_text()]
    if options.check:
        for path in stale:
            print(f"{path} is stale: run make requirements", file=sys.stderr)
        return 1 if stale else 0
    for path, text in zip(SOURCES, compiled, strict=True):
        (ROOT / path).write_text(text)
    print("changed: " + (", ".join(map(str, stale)) or "nothing"))
    return 0


def _compile(path: Path, *, upgrade: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / path.name
        if not upgrade:
            output.write_text((ROOT / path).read_text())
        options = (
            "--generate-hashes",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-header",
            "--no-annotate",
        )
        command = (ROOT / ".venv/bin/uv", "pip", "compile", "--quiet", *options, "--universal")
        subprocess.run(
            (*command, "--python-version", "3.13", *SOURCES[path], "--output-file", output),
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        return output.read_text()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as failure:
        sys.exit(f"could not compile: uv ended with {failure.returncode}")
