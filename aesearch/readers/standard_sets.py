"""The file formats of the standard image sets: MNIST's idx and CIFAR-10's binary batches.

idx: http://yann.lecun.com/exdb/mnist/ (a magic number, the sizes as big-endian int32, the bytes).
CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html (one byte of label, then the red, green and blue planes of 32 x 32).
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from aesearch.errors import Unreadable
from aesearch.items import Item

CIFAR_ROW = 1 + 3 * 32 * 32
MAX_BYTES = 4 << 30


def read_idx(path: Path) -> Iterator[Item]:
    """The pictures of `images-idx3-ubyte[.gz]`, labelled by the `labels-idx1-ubyte[.gz]` beside it if there is one."""
    pictures = _idx(path, 3)
    beside = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    labels = _idx(beside, 1) if beside.is_file() else None
    if labels is not None and len(labels) != len(pictures):
        raise Unreadable(path, f"it holds {len(pictures):,} pictures, {beside.name} {len(labels):,} labels")
    for number, pixels in enumerate(pictures):
        yield _row(path, number, pixels, None if labels is None else str(labels[number]))


def read_cifar(path: Path) -> Iterator[Item]:
    """The pictures of a CIFAR-10 batch, their labels named by the `batches.meta.txt` beside it if there is one."""
    if path.stat().st_size % CIFAR_ROW or not path.stat().st_size:
        raise Unreadable(path, f"its size is no multiple of {CIFAR_ROW} bytes, as a CIFAR-10 batch's is")
    meta = path.with_name("batches.meta.txt")
    names = meta.read_text(encoding="utf-8").split() if meta.is_file() else []
    for number, row in enumerate(np.memmap(path, np.uint8, "r").reshape(-1, CIFAR_ROW)):
        label = names[row[0]] if row[0] < len(names) else str(row[0])
        yield _row(path, number, np.ascontiguousarray(row[1:].reshape(3, 32, 32).transpose(1, 2, 0)), label)


def _row(path: Path, number: int, pixels: np.ndarray, label: str | None) -> Item:
    digest = hashlib.sha256(pixels.tobytes()).digest()
    return Item(f"#{number}", Image.fromarray(pixels), label=label, path=str(path), digest=digest)


def _idx(path: Path, axes: int) -> np.ndarray:
    """The bytes of an idx file of that many axes."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            raw = file.read(MAX_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(path, f"the archive is damaged ({error})") from None
    head = 4 + 4 * axes
    shape = tuple(np.frombuffer(raw[4:head], ">i4").tolist())
    if raw[:4] != bytes([0, 0, 8, axes]) or len(raw) - head != np.prod(shape, dtype=np.int64):
        raise Unreadable(path, f"it is not an idx file of bytes in {axes} axes")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)
