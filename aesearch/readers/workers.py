"""Read files in worker processes: all CPU cores are used, and a decoder that crashes or hangs costs only its own file.

A worker is another Python process that runs `serve`. Each line of its standard input is a request: JSON of a list of paths
and the keywords of their readers. Each reply on its standard output is the size of the rest in 8 bytes, a line of JSON that
describes the result for every path, and the content of all items. A worker imports nothing from the calling program, so
scripts need no `if __name__ == "__main__"`. It ends when its input ends, so it cannot outlive the calling process.
"""

from __future__ import annotations

import gc
import json
import os
import select
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from aesearch.errors import ReadTimeout, Unreadable, count
from aesearch.items import Item, Section
from aesearch.readers.files import read_file
from aesearch.readers.waiting import read_timeout, wait_with_notice

if TYPE_CHECKING:
    import subprocess

PIPE_BYTES = 1 << 20
"""Size of the pipe for replies, if the system allows it. A worker continues to read while its replies wait in the pipe."""

KILL_TIMEOUT_SECONDS = 5.0
"""Maximum time to wait for the end of a killed process. It does not end while a device does not answer."""


class _Request(NamedTuple):
    """Files to read, the keywords of their readers, and the maximum time in seconds."""

    paths: Sequence[str]
    keywords: Mapping[str, Any]
    timeout: float

    def __str__(self) -> str:
        first, *more = self.paths
        return f"{first} (or {count(len(more), 'file')} after it)" if more else first


class Worker:
    """A process that reads files of one item each.

    `send` sends a request, and `receive` returns the results of the oldest request whose results were not received yet. If
    the process dies or exceeds the timeout, it is replaced, and the file that caused it is Unreadable.

    Parameters
    ----------
    timeout : float, optional
        Maximum time for one request in seconds. By default it depends on the size of the files. On Windows it has no
        effect, because pipes cannot be read with a timeout there.
    """

    def __init__(self, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._requests: deque[_Request] = deque()
        self._start()

    def _start(self) -> None:
        """Start the process."""
        import subprocess  # imported here, like pathlib, because workers do not need it and start faster without it
        from pathlib import Path

        # -P and a module path without the current folder: a folder of images must not be able to provide modules.
        # -S: with that module path, `site` has nothing to add, and the worker starts faster without it.
        module_path = os.pathsep.join([str(Path(__file__).parents[2]), *(folder for folder in sys.path if folder)])
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-c", f"from {__name__} import serve; serve()"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders print warnings that do not name the file
            env={**os.environ, "PYTHONPATH": module_path},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        with suppress(ImportError, AttributeError, OSError):  # not on this system, or above the user's limit for pipes
            import fcntl

            fcntl.fcntl(self._output, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.close = weakref.finalize(self, _kill, self._process)
        """Ends the process. This happens automatically when the object is deleted."""

    def send(self, paths: Sequence[str], keywords: Mapping[str, Any], n_bytes: int = 0) -> None:
        """Request the items of files, which have `n_bytes` in total, read with these keywords of their readers."""
        self._send(_Request(paths, keywords, self._timeout or read_timeout(n_bytes)))

    def _send(self, request: _Request) -> None:
        self._requests.append(request)
        paths, keywords, _ = request
        line = memoryview(json.dumps((paths, keywords)).encode() + b"\n")
        with suppress(BrokenPipeError):  # receive() will notice that the process is dead
            while line:
                line = line[self._input.write(line) :]

    def receive(self) -> list[Item | Unreadable]:
        """Return the results of the oldest request, one for each path, in order. Images are arrays of pixels."""
        request = self._requests.popleft()
        paths = request.paths
        timed_out = not self._wait(request)
        reply = None if timed_out else self._read_reply()
        if reply is not None:
            return _unpack(reply, paths)
        self.close()
        exit_code = self._process.returncode
        waiting, self._requests = self._requests, deque()
        self._start()
        if len(paths) > 1:  # one of these files is the cause; read each alone to find it
            results = [self._read_alone(request._replace(paths=[path])) for path in paths]
        elif timed_out:
            results = [ReadTimeout(paths[0], request.timeout)]
        else:
            cause = f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
            results = [Unreadable(paths[0], f"the decoder crashed ({cause})")]
        for next_request in waiting:
            self._send(next_request)
        return results

    def _read_alone(self, request: _Request) -> Item | Unreadable:
        """Return the result of a request of one file."""
        self._send(request)
        return self.receive()[0]

    def _wait(self, request: _Request) -> bool:
        """Wait for the reply to a request, or for the end of the process. Return False on a timeout."""
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        return wait_with_notice(lambda seconds: bool(poll.poll(seconds * 1000)), request.timeout, request.__str__)

    def _read_reply(self) -> bytearray | None:
        """Return a reply without its size, or None if the process ended before the reply was complete."""
        size = int.from_bytes(self._read(8))
        reply = self._read(size)
        return reply if size and len(reply) == size else None

    def _read(self, size: int) -> bytearray:
        """Return `size` bytes of output, or fewer if the process has ended."""
        content = bytearray(size)
        done = 0
        while done < size and (count := self._output.readinto(memoryview(content)[done:])):  # type: ignore[attr-defined]
            done += count
        return content[:done] if done < size else content


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process and wait for its end."""
    process.kill()
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.stdout.close()
    with suppress(Exception):  # TimeoutExpired, whose module is not imported here
        process.wait(KILL_TIMEOUT_SECONDS)


class WorkerPool:
    """One worker for each CPU core. Each is started when it is first needed."""

    def __init__(self) -> None:
        self._workers: list[Worker | None] = [None] * (os.cpu_count() or 1)

    def __len__(self) -> int:
        """Return how many workers the pool can have."""
        return len(self._workers)

    def worker(self, number: int) -> Worker:
        """Return the worker for the request with this number. Requests go to the workers in turn."""
        position = number % len(self._workers)
        worker = self._workers[position] = self._workers[position] or Worker()
        return worker


def _pack(items: Iterable[Item | Unreadable]) -> list[bytes]:
    """Return the parts of a reply: a line that describes every result, and the content of each item.

    An item is described by its size in bytes, the shape of an image, its digest, its warning, its sections and its
    metadata; an Unreadable by its reason.
    """
    descriptions: list[Any] = []
    contents = []
    for item in items:
        if isinstance(item, Unreadable):
            descriptions.append({"reason": item.reason, "transient": item.transient})
            continue
        assert item.digest is not None  # every reader sets it
        if isinstance(item.content, str):
            content, shape = item.content.encode("utf-8", "replace"), None
        else:
            image: Any = item.content
            content, shape = image.tobytes(), (image.height, image.width, *((3,) if image.mode == "RGB" else ()))
        located = item.sections, dict(item.metadata)
        descriptions.append((len(content), shape, item.digest.hex(), item.warning, *located))
        contents.append(content)
    return [json.dumps(descriptions).encode() + b"\n", *contents]


def _unpack(reply: bytearray, paths: Sequence[str]) -> list[Item | Unreadable]:
    """Return the results in a reply. Images are views of the reply's bytes."""
    import numpy as np  # imported here because workers do not need it and start faster without it

    end = reply.index(b"\n") + 1
    results: list[Item | Unreadable] = []
    for path, description in zip(paths, json.loads(reply[:end]), strict=True):
        if isinstance(description, dict):
            results.append(Unreadable(path, **description))
            continue
        size, shape, digest, warning, sections, metadata = description
        start, end = end, end + size
        content: Any
        if shape is None:
            content = reply[start:end].decode("utf-8")
        else:
            content = np.frombuffer(reply, np.uint8, size, start).reshape(shape)
        located = tuple(Section(*section) for section in sections)
        digest = bytes.fromhex(digest)
        results.append(Item("", content, None, path, digest, warning, located, metadata))
    return results


def serve() -> None:
    """Answer requests until standard input ends. This is the main function of a worker process."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the calling process decides what an interrupt ends
    output = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a decoder that prints must not print into the replies
    gc.freeze()  # otherwise, garbage collections that scan all imported modules cost 3 % of the decoding time
    for line in sys.stdin.buffer:
        paths, keywords = json.loads(line)
        parts = _pack(next(read_file(path, **keywords)) for path in paths)
        # One reply for all files: waking the calling process for every file would cost 10 % of the decoding time.
        rest = memoryview(b"".join((sum(map(len, parts)).to_bytes(8), *parts)))
        while rest:
            rest = rest[output.write(rest) :]
