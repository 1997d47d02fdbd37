"""The whole service on one machine, and the tools around it. Never part of what is deployed."""

import sys
from pathlib import Path

# The product is not installed here: it is read where `sam build` reads it.
sys.path.append(str(Path(__file__).resolve().parents[1] / "layers" / "shared"))
