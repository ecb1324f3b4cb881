"""Read the files of standard image data sets: MNIST's idx format and CIFAR-10's binary format.

idx: http://yann.lecun.com/exdb/mnist/. A magic number, the sizes as big-endian int32, then the bytes.
CIFAR-10: https://www.cs.toronto.edu/~kriz/cifar.html. One byte for the label, then the red, green and blue planes, 32 x 32.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image

from aesearch.errors import Unreadable, count
from aesearch.items import Item
from aesearch.readers.files import AnyPath, check_regular, open_file
from aesearch.readers.images import MAX_PIXELS, TOO_MANY_PIXELS
from aesearch.readers.rows import row_item

CIFAR_ROW_BYTES = 1 + 3 * 32 * 32


def read_idx(path: AnyPath) -> Iterator[Item | Unreadable]:
    """Yield the images of `images-idx3-ubyte[.gz]`. Labels are read from `labels-idx1-ubyte[.gz]` in the same folder."""
    path = Path(path)
    labels_path = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    with ExitStack() as files:
        images, (n_images, height, width) = _open_idx(path, 3, files)
        labels, (n_labels,) = _open_idx(labels_path, 1, files) if labels_path.is_file() else (None, (n_images,))
        if n_labels != n_images:
            raise Unreadable(
                path, f"the file holds {count(n_images, 'image')}, but {labels_path.name} holds {count(n_labels, 'label')}"
            )
        if height * width > MAX_PIXELS:
            raise Unreadable(path, TOO_MANY_PIXELS)
        for number in range(n_images if height * width else 0):
            pixels = np.frombuffer(_read_exactly(images, height * width, path), np.uint8).reshape(height, width)
            yield _to_item(path, number, pixels, str(_read_exactly(labels, 1, labels_path)[0]) if labels else None)
        if _read_up_to(images, 1, path):
            yield Unreadable(
                path, f"the file is longer than it declares ({count(n_images, 'image')}); the rest is not read"
            )


def read_cifar(path: AnyPath) -> Iterator[Item]:
    """Yield the images of a CIFAR-10 batch. Label names are read from `batches.meta.txt` in the same folder."""
    path = Path(path)
    check_regular(path)
    if path.stat().st_size % CIFAR_ROW_BYTES or not path.stat().st_size:
        raise Unreadable(path, f"the file is not a CIFAR-10 batch: its size is not a multiple of {CIFAR_ROW_BYTES:,} bytes")
    meta = path.with_name("batches.meta.txt")
    names = meta.read_text(encoding="utf-8", errors="replace").split() if meta.is_file() else []
    for number, row in enumerate(np.memmap(path, np.uint8, "r").reshape(-1, CIFAR_ROW_BYTES)):
        label = names[row[0]] if row[0] < len(names) else str(row[0])
        yield _to_item(path, number, np.ascontiguousarray(row[1:].reshape(3, 32, 32).transpose(1, 2, 0)), label)


def _to_item(path: Path, number: int, pixels: np.ndarray, label: str | None) -> Item:
    """Return the item of an image, counted from 0."""
    return row_item(path, number, Image.fromarray(pixels), pixels.tobytes(), label=label)


def _open_idx(path: Path, n_axes: int, files: ExitStack) -> tuple[IO[bytes], tuple[int, ...]]:
    """Open an idx file of bytes after its header, and return it with its shape. `files` closes it."""
    file: Any = files.enter_context(open_file(path))
    if path.suffix == ".gz":
        file = files.enter_context(gzip.GzipFile(fileobj=file))
    header_size = 4 + 4 * n_axes
    not_idx = f"the file is not an idx file of bytes with {'one axis' if n_axes == 1 else f'{n_axes} axes'}"
    header = _read_exactly(file, header_size, path, not_idx)
    shape = tuple(np.frombuffer(header[4:], ">u4").tolist())
    is_complete = path.suffix == ".gz" or path.stat().st_size >= header_size + prod(shape)
    if header[:4] != bytes([0, 0, 8, n_axes]) or not is_complete:
        raise Unreadable(path, not_idx)
    return file, shape


def _read_exactly(file: IO[bytes], size: int, path: Path, too_short: str = "the file ends early") -> bytes:
    """Return `size` bytes of a file. Raise Unreadable if there are fewer, or the archive is damaged."""
    content = _read_up_to(file, size, path)
    if len(content) < size:
        raise Unreadable(path, too_short)
    return content


def _read_up_to(file: IO[bytes], size: int, path: Path) -> bytes:
    """Return at most `size` bytes of a file. Raise Unreadable if the archive is damaged."""
    try:
        return file.read(size)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Unreadable(path, f"the archive is damaged ({error})") from None
