"""``python -m localstack up`` and ``python -m localstack token``."""

import argparse
import os
import sys

from localstack.constants import ALL_SCOPES, DEFAULT_SANDBOXES
from localstack.home import default_home

DEFAULT_PORT = 3000
MAX_PORT = 65535


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localstack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("up", help="run the stack until Ctrl-C")
    running.add_argument("--port", type=_port, default=os.environ.get("PORT") or str(DEFAULT_PORT))
    running.add_argument(
        "--sandboxes", type=int, default=DEFAULT_SANDBOXES, help="the most that one function may have"
    )
    token = commands.add_parser("token", help="print one token for the stack")
    token.add_argument("--restaurants", default="*", help="ids separated by spaces, or *")
    token.add_argument("--scopes", default=ALL_SCOPES, help="separated by spaces")
    token.add_argument("--ttl", type=int, default=3600, help="seconds")
    chosen = parser.parse_args(arguments)
    if chosen.command == "token":
        return _token(chosen.restaurants, chosen.scopes, chosen.ttl)
    return _up(chosen.port, chosen.sandboxes)


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"PORT must be a number from 1 to {MAX_PORT}, not {text}")


def _token(restaurants: str, scopes: str, ttl_seconds: int) -> int:
    from localstack.tokens import Issuer  # noqa: PLC0415 - loads cryptography; --help needs none

    issuer = Issuer.load(default_home())
    print(issuer.mint(restaurants=restaurants, scopes=scopes, ttl_seconds=ttl_seconds))
    return 0


def _up(port: int, sandboxes: int) -> int:
    from localstack.stack import Options  # noqa: PLC0415 - loads the whole stack, two seconds on a cold start
    from localstack.up import up  # noqa: PLC0415 - as above

    return up(port, Options(sandboxes=sandboxes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
