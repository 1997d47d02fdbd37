"""``make up``: the stack in the foreground, until Ctrl-C."""

import signal
import sys
from types import FrameType

from localstack.home import default_home
from localstack.stack import FAILURES, LocalStack, Options


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
    except FAILURES as error:
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
