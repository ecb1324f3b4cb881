"""Files that hang while they are opened, as on a file server that does not answer."""

import fcntl
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HOLD_LEASE = """
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)  # the request of the system to give up the lease
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
signal.pause()
"""


@pytest.fixture
def block_file() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Return a function that lets every attempt to open a file wait until the returned process ends, at most 45 seconds.

    The process holds a lease on the file, as a file server does for its clients.
    """
    holders: list[subprocess.Popen[str]] = []

    def block(path: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD_LEASE, str(path)]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout is not None
        if holder.stdout.readline() != "held\n":
            pytest.skip("this file system has no leases")
        return holder

    if not hasattr(fcntl, "F_SETLEASE"):
        pytest.skip("this system has no leases")
    yield block
    for holder in holders:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
