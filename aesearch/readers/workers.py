"""Files read in processes of their own: on every core, and a decoder that crashes or hangs costs its one file.

A worker is the same Python running `serve` alone.  It takes lists of paths on its standard input, a line of JSON each, and
answers each list on its standard output: the size of the answer in 8 bytes, a line of JSON that says of every path what was
read, and the bytes of it all.  Nothing of the caller's program is imported in it, so scripts need no main guard; it ends
when its input does, so it cannot outlive its caller.
"""

from __future__ import annotations

import gc
import json
import os
import select
import sys
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aesearch.catalog import find_reader
from aesearch.errors import MissingExtra, Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath

if TYPE_CHECKING:
    import subprocess

LIMIT = 60.0
"""Seconds that a list of files may take; a picture of 100 million pixels, the largest there may be, takes about 5."""

PIPE = 1 << 20
"""Bytes that a pipe holds, where the system lets us say so: a worker goes on while its answers wait to be fetched."""


def read_file(path: AnyPath, **keywords: Any) -> Iterator[Item | Unreadable]:
    """The items of one file by its reader, and in the place of an error the reason."""
    try:
        entry = find_reader(path)
        assert entry is not None  # files without a reader were left out when the collection was made
        results = entry.load()(path, **keywords)
        yield next(results, Unreadable("", "it holds no rows"))
        yield from results
    except Unreadable as error:
        yield error
    except MissingExtra as error:
        yield Unreadable("", str(error), transient=True)
    except OSError as error:
        yield Unreadable("", f"it cannot be opened ({error.strerror or error})", transient=True)
    except Exception as error:  # a decoder's own bug must cost this file alone, and be named with it
        yield Unreadable("", f"its reader failed ({type(error).__name__}: {error})")


class Worker:
    """A process that reads files of one item each.

    `send` gives it a list of them; `receive` fetches what it made of the first list that was not fetched yet.  One that
    dies, or is waited for longer than `limit` seconds, is replaced, and the file that it was at is Unreadable.  (Windows
    cannot wait for a pipe for a time: there the wait has no end.)
    """

    def __init__(self, limit: float = LIMIT) -> None:
        self.limit = limit
        self._sent: deque[tuple[Sequence[str], Mapping[str, Any]]] = deque()
        self._start()

    def _start(self) -> None:
        import subprocess  # here, as pathlib, because workers begin sooner without them
        from pathlib import Path

        # -P and the caller's own path, less the current folder: a folder of photos must not be able to lend it modules.
        # -S: with that path nothing is left for `site` to find, and workers begin sooner without it.
        found_at = os.pathsep.join([str(Path(__file__).parents[2]), *(place for place in sys.path if place)])
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-c", f"from {__name__} import serve; serve()"],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders write warnings there that name no file
            env={**os.environ, "PYTHONPATH": found_at},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._paths, self._answers = self._process.stdin, self._process.stdout
        with suppress(ImportError, AttributeError, OSError):  # not this system, or past the user's share of pipes
            import fcntl

            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, PIPE)
        self.end = weakref.finalize(self, _end, self._process)
        """Ends the process, which happens at the latest with this object."""

    def send(self, paths: Sequence[str], keywords: Mapping[str, Any]) -> None:
        """Gives it files to read, and keywords for their readers."""
        self._sent.append((paths, keywords))
        line = memoryview(json.dumps((paths, keywords)).encode() + b"\n")
        with suppress(BrokenPipeError):  # receive() will see that it is dead
            while line:
                line = line[self._paths.write(line) :]

    def receive(self) -> list[Item | Unreadable]:
        """What each file of the list holds, in its order."""
        paths, keywords = self._sent.popleft()
        late = not self._answers_within(self.limit)
        answer = None if late else self._answer()
        if answer is not None:
            return _unpacked(answer, paths)
        self.end()
        code = self._process.returncode
        waiting, self._sent = self._sent, deque()
        self._start()
        if len(paths) > 1:  # whichever it was, it is among these
            found = [self._alone(path, keywords) for path in paths]
        elif late:
            found = [Unreadable("", f"reading it took longer than {self.limit:g} seconds")]
        else:
            found = [Unreadable("", f"its decoder crashed ({f'signal {-code}' if code < 0 else f'exit code {code}'})")]
        for others in waiting:
            self.send(*others)
        return found

    def _alone(self, path: str, keywords: Mapping[str, Any]) -> Item | Unreadable:
        self.send([path], keywords)
        return self.receive()[0]

    def _answers_within(self, seconds: float) -> bool:
        """Whether an answer has come, or the end of the process."""
        if not hasattr(select, "poll"):
            return True
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def _answer(self) -> bytearray | None:
        """None where the process ended before its answer was whole."""
        size = int.from_bytes(self._read(8))
        answer = self._read(size)
        return answer if size and len(answer) == size else None

    def _read(self, size: int) -> bytearray:
        """So many bytes; fewer where the process has ended."""
        read = bytearray(size)
        done = 0
        while done < size and (more := self._answers.readinto(memoryview(read)[done:])):  # type: ignore[attr-defined]
            done += more
        return read[:done] if done < size else read


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def _packed(items: Iterable[Item | Unreadable]) -> list[bytes]:
    """A line that says of each item how many bytes it has, the shape of a picture, and its checksum; then the bytes.  Of
    what was not read it says why."""
    said: list[Any] = []
    contents = []
    for item in items:
        if isinstance(item, Unreadable):
            said.append({"reason": item.reason, "transient": item.transient})
            continue
        assert item.digest is not None  # readers of files say what they read
        if isinstance(item.content, str):
            raw, shape = item.content.encode("utf-8", "replace"), None
        else:
            picture: Any = item.content
            raw, shape = picture.tobytes(), (picture.height, picture.width, *((3,) if picture.mode == "RGB" else ()))
        said.append((len(raw), shape, item.digest.hex()))
        contents.append(raw)
    return [json.dumps(said).encode() + b"\n", *contents]


def _unpacked(answer: bytearray, paths: Sequence[str]) -> list[Item | Unreadable]:
    """The same items; pictures are arrays of their pixels now."""
    import numpy as np  # here, because workers begin sooner without it

    end = answer.index(b"\n") + 1
    found: list[Item | Unreadable] = []
    for path, what in zip(paths, json.loads(answer[:end]), strict=True):
        if isinstance(what, dict):
            found.append(Unreadable("", **what))
            continue
        size, shape, digest = what
        begin, end = end, end + size
        content: Any
        if shape is None:
            content = answer[begin:end].decode("utf-8")
        else:
            content = np.frombuffer(answer, np.uint8, size, begin).reshape(shape)
        found.append(Item("", content, None, path, bytes.fromhex(digest)))
    return found


def serve() -> None:
    """What a worker does."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller decides what an interrupt ends
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # a decoder that prints must not print into the answers
    gc.freeze()  # looking again and again through what was imported would cost a thirtieth of the decoding
    for line in sys.stdin.buffer:
        paths, keywords = json.loads(line)
        parts = _packed(next(read_file(path, **keywords)) for path in paths)
        # All in one piece: waking the caller for each file would cost a tenth of the decoding.
        rest = memoryview(b"".join((sum(map(len, parts)).to_bytes(8), *parts)))
        while rest:
            rest = rest[answers.write(rest) :]
