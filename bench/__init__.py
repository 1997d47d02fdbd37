"""Run from the repository's root; the product lies where the functions' layer has it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "layers" / "shared"))
