"""The life of a stack as its user sees it: start, refuse, stop, be killed, start again."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.localstack.conftest import call, eventually
from tools.environments import ROOT

pytestmark = pytest.mark.stack
UP = Path(__file__).parent / "fixture" / "up.py"


def environment(home: Path, port: int) -> dict[str, str]:
    return {**os.environ, "MAITRED_HOME": str(home), "PORT": str(port), "PYTHONPATH": str(ROOT)}


@contextmanager
def running(home: Path, port: int = 0) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, str(UP)],
        env=environment(home, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.startswith("Ctrl-C"):
                break
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def announced(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "stack.json").read_text())
    return found


def family(process: "subprocess.Popen[str]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def refusal(home: Path, port: int) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(UP)],
        check=False,
        env=environment(home, port),
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr + done.stdout


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_no_process_stays_after_a_stop(tmp_path: Path, how: signal.Signals) -> None:
    with running(tmp_path) as process:
        children = family(process)
        assert len(children) > 5, "database, emulator, sandboxes"
        assert call(announced(tmp_path)["url"], "/open/it?wish=bare").status == 200
        process.send_signal(how)
        assert process.wait(20) == 0
    assert not [child for child in children if child.is_running()]
    assert not (tmp_path / "stack.json").exists()


def test_no_process_stays_after_kill_9_and_the_next_start_works(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        children = family(process)
        process.kill()
        process.wait()
        eventually(lambda: not [child for child in children if child.is_running()])
    with running(tmp_path):
        assert call(announced(tmp_path)["url"], "/open/it?wish=bare").status == 200


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, words = refusal(tmp_path, port)
    assert (code, words) == (1, f"port {port} is busy: set PORT to a free one\n")


def test_a_second_stack_on_one_home_is_one_clear_line(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        code, words = refusal(tmp_path, 0)
        expected = f"a local stack is already running on {tmp_path} (process {process.pid})\n"
        assert (code, words) == (1, expected)
        assert process.poll() is None


def test_a_token_is_alone_on_standard_output(tmp_path: Path) -> None:
    with running(tmp_path):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "localstack",
                "token",
                "--restaurants",
                "r1",
                "--scopes",
                "operations",
                "--ttl",
                "60",
            ],
            env=environment(tmp_path, 0),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        (token,) = done.stdout.splitlines()
        reply = call(announced(tmp_path)["url"], "/closed/1", headers={"Authorization": f"Bearer {token}"})
    claims = reply.json()["requestContext"]["authorizer"]["jwt"]["claims"]
    assert (claims["restaurants"], claims["scope"]) == ("r1", "operations")
    assert int(claims["exp"]) - int(claims["iat"]) == 60


def test_a_stop_while_it_is_starting_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, str(UP)],
        env=environment(tmp_path, 0),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("starting the database")
    eventually((tmp_path / "postgres" / "postmaster.pid").exists)
    children = family(process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert process.stderr.read() == "stopping\n"
    process.stderr.close()
    assert not [child for child in children if child.is_running()]
