"""``python -m demo``: play an evening, or real reservations, on a stack of its own."""

import argparse
import sys
from pathlib import Path

from demo.run import CLIENTS, Choices, demo


def main(arguments: list[str]) -> int:
    """Play one evening; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--data", type=Path, help="a CSV file: reserved_at,visit_at,restaurant,party_size")
    parser.add_argument(
        "--bookings",
        type=_positive,
        help="how many bookings; with --data, at least this many",
    )
    parser.add_argument(
        "--clients", type=_positive, default=CLIENTS, help="how many clients at the same time"
    )
    chosen = parser.parse_args(arguments)
    return demo(Choices(chosen.data, chosen.bookings, chosen.clients))


def _positive(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text):
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
