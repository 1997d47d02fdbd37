"""``python -m local.ops``."""

import sys

from local.ops.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
