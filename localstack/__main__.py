"""``python -m localstack up`` and ``python -m localstack token``."""

import argparse
import os
import signal
import sys
from types import FrameType

from localstack.build import BuildError
from localstack.home import HomeBusyError, default_home
from localstack.intrinsics import TemplateError
from localstack.postgres import PostgresError
from localstack.service import DeploymentError
from localstack.sqs import EmulatorError
from localstack.stack import DEFAULT_SANDBOXES, LocalStack, Options, PortBusyError
from localstack.tokens import ALL_SCOPES, Issuer

DEFAULT_PORT = 3000
MAX_PORT = 65535
_FAILURES = (
    BuildError, DeploymentError, EmulatorError, HomeBusyError, PortBusyError, PostgresError, TemplateError,
)  # fmt: skip


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
    return up(chosen.port, Options(sandboxes=chosen.sandboxes))


def _port(text: str) -> int:
    if text.isdigit() and int(text) <= MAX_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no port")


def _token(restaurants: str, scopes: str, ttl_seconds: int) -> int:
    issuer = Issuer.load(default_home())
    print(issuer.mint(restaurants=restaurants, scopes=scopes, ttl_seconds=ttl_seconds))
    return 0


def up(port: int, options: Options) -> int:
    """Run a stack on the environment's home until Ctrl-C or SIGTERM; 0 then, 1 if it cannot run."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit it ignored
    stack = LocalStack(default_home(), port=port, options=options, say=_say)
    try:
        stack.start()
        _greet(stack)
        signal.pause()
    except KeyboardInterrupt:
        _say("stopping")
    except _FAILURES as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stack.stop()
    return 0


def _greet(stack: LocalStack) -> None:
    print(f"API    {stack.url}")
    print(f"page   {stack.url}/_local/")
    print(f"token  {stack.token()}")
    print(f"try    curl {stack.url}/health")
    print(f"data   {stack.home} (logs/, mail/)   database {stack.dsn}")
    print("Ctrl-C stops it", flush=True)


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
