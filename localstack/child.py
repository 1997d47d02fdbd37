"""Run as a script: prepares this process and becomes the command that was asked for.

``python -I -S child.py PARENT_PID SIGNAL IDENTITY -- COMMAND...``. A step of its own, because Python
warns (rightly) about running code between fork and exec in a process that has threads.

IDENTITY is ``same`` (stay who we are), ``namespace`` (an ordinary user inside a user namespace of our
own: PostgreSQL refuses to run as root) or ``UID:GID`` (become that account).
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
NAMESPACE_USER = 1000


def enter_namespace() -> None:
    """Become user 1000 of a new user namespace, in which this user's files are ours.

    Raises OSError where the system forbids it (many containers do).
    """
    uid, gid = os.getuid(), os.getgid()
    os.unshare(os.CLONE_NEWUSER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{NAMESPACE_USER} {uid} 1"),
        ("gid_map", f"{NAMESPACE_USER} {gid} 1"),
    ):
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY)
        os.write(descriptor, text.encode())
        os.close(descriptor)


def become(account: str) -> None:
    """Give up root for the account ``UID:GID``."""
    uid, gid = (int(part) for part in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def die_with_parent(parent: int, signal_number: int) -> None:
    """Have the kernel send the signal when our parent ends, however it ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() not in (parent, 0):  # it ended before the call above; 0: it is outside our namespace
        os._exit(1)


def main(arguments: list[str]) -> None:
    """Prepare and exec; see the module."""
    parent, signal_number, identity, separator, *command = arguments
    if separator != "--" or not command:
        raise SystemExit("child.py PARENT_PID SIGNAL IDENTITY -- COMMAND...")
    if identity == "namespace":
        enter_namespace()
    elif identity != "same":
        become(identity)
    die_with_parent(int(parent), int(signal_number))  # last: a change of identity clears it
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
