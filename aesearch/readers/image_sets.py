"""The file formats of the standard image sets: MNIST's idx and CIFAR-10's binary batches.

idx: http://yann.lecun.com/exdb/mnist/ (a magic number, the sizes as big-endian int32, the bytes).
CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html (one byte of label, then the red, green and blue planes of 32 x 32).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from aesearch.errors import Unreadable
from aesearch.items import Item
from aesearch.readers.files import AnyPath
from aesearch.readers.images import MAX_PIXELS, TOO_LARGE

CIFAR_ROW = 1 + 3 * 32 * 32


def read_idx(path: AnyPath) -> Iterator[Item]:
    """The pictures of `images-idx3-ubyte[.gz]`, labeled by the `labels-idx1-ubyte[.gz]` beside it if there is one."""
    path = Path(path)
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    with ExitStack() as files:
        pictures, (count, height, width) = _idx(path, 3, files)
        labels, (named,) = _idx(beside, 1, files) if beside.is_file() else (None, (count,))
        if named != count:
            raise Unreadable(path, f"it holds {count:,} pictures, {beside.name} {named:,} labels")
        if height * width > MAX_PIXELS:
            raise Unreadable(path, TOO_LARGE)
        for number in range(count if height * width else 0):
            pixels = np.frombuffer(_read(pictures, height * width, path), np.uint8).reshape(height, width)
            yield _row(path, number, pixels, str(_read(labels, 1, beside)[0]) if labels else None)


def read_cifar(path: AnyPath) -> Iterator[Item]:
    """The pictures of a CIFAR-10 batch, their labels named by the `batches.meta.txt` beside it if there is one."""
    path = Path(path)
    if path.stat().st_size % CIFAR_ROW or not path.stat().st_size:
        raise Unreadable(path, f"its size is no multiple of {CIFAR_ROW} bytes, as a CIFAR-10 batch's is")
    meta = path.with_name("batches.meta.txt")
    names = meta.read_text(encoding="utf-8", errors="replace").split() if meta.is_file() else []
    for number, row in enumerate(np.memmap(path, np.uint8, "r").reshape(-1, CIFAR_ROW)):
        label = names[row[0]] if row[0] < len(names) else str(row[0])
        yield _row(path, number, np.ascontiguousarray(row[1:].reshape(3, 32, 32).transpose(1, 2, 0)), label)


def _row(path: Path, number: int, pixels: np.ndarray, label: str | None) -> Item:
    digest = hashlib.sha256(pixels.tobytes()).digest()
    return Item(f"#{number}", Image.fromarray(pixels), label=label, path=str(path), digest=digest)


def _idx(path: Path, axes: int, files: ExitStack) -> tuple[IO[bytes], tuple[int, ...]]:
    """An idx file of bytes in that many axes, opened behind its head, and its shape."""
    file: Any = files.enter_context(gzip.open(path) if path.suffix == ".gz" else open(path, "rb"))  # noqa: SIM115
    head = 4 + 4 * axes
    raw = _read(file, head, path, f"it is not an idx file of bytes in {axes} axes")
    shape = tuple(np.frombuffer(raw[4:], ">u4").tolist())
    whole = path.suffix == ".gz" or path.stat().st_size == head + prod(shape)
    if raw[:4] != bytes([0, 0, 8, axes]) or not whole:
        raise Unreadable(path, f"it is not an idx file of bytes in {axes} axes")
    return file, shape


def _read(file: IO[bytes], size: int, path: Path, otherwise: str = "it ends early") -> bytes:
    """So many bytes.  Raises Unreadable where there are fewer, or the archive is damaged."""
    try:
        raw = file.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(path, f"the archive is damaged ({error})") from None
    if len(raw) < size:
        raise Unreadable(path, otherwise)
    return raw
