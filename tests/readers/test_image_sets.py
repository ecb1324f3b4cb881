"""The file formats of MNIST and CIFAR-10."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import Unreadable
from aesearch.readers.files import read_file
from aesearch.readers.image_sets import read_cifar, read_idx

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 7), np.uint8)
HEADER = bytes([0, 0, 8, 3])


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.mark.parametrize("is_packed", [False, True], ids=["plain", "gzip"])
def test_idx_images_and_labels_are_read(is_packed: bool, tmp_path: Path) -> None:
    ending, pack = (".gz", gzip.compress) if is_packed else ("", bytes)
    (tmp_path / f"train-images-idx3-ubyte{ending}").write_bytes(pack(idx(PIXELS)))
    (tmp_path / f"train-labels-idx1-ubyte{ending}").write_bytes(pack(idx(np.arange(5, dtype=np.uint8))))
    items = list(read_idx(tmp_path / f"train-images-idx3-ubyte{ending}"))
    assert [item.id for item in items] == [f"#{number}" for number in range(5)]
    assert [item.label for item in items] == list("01234")
    np.testing.assert_array_equal(np.stack([np.asarray(item.content) for item in items]), PIXELS)


def test_idx_without_labels_file_has_no_labels(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(PIXELS))
    assert [item.label for item in read_idx(tmp_path / "images-idx3-ubyte")] == [None] * 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"abc",
        idx(PIXELS)[:-1],
        idx(PIXELS[0]),
        HEADER + np.array([-1, -1, 100], ">i4").tobytes() + bytes(100),
    ],
    ids=["empty", "text", "short", "two axes", "negative size"],
)
def test_malformed_idx_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(content)
    with pytest.raises(Unreadable, match="not an idx file of bytes with 3 axes"):
        list(read_idx(tmp_path / "images-idx3-ubyte"))


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_data_after_the_declared_images_is_named(ending: str, tmp_path: Path) -> None:
    content = idx(PIXELS) + bytes(PIXELS[0].size)
    path = tmp_path / f"images-idx3-ubyte{ending}"
    path.write_bytes(gzip.compress(content) if ending else content)
    *images, unreadable = read_idx(path)
    assert len(images) == len(PIXELS)
    assert isinstance(unreadable, Unreadable)
    assert "the rest is not read" in unreadable.reason


def test_idx_with_other_number_of_labels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(PIXELS))
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx(np.zeros(4, np.uint8)))
    with pytest.raises(Unreadable, match=r"5 images.*4 labels"):
        list(read_idx(tmp_path / "images-idx3-ubyte"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(HEADER + np.array([1, 30_000, 30_000], ">i4").tobytes()), "100,000,000 pixels"),
        (gzip.compress(idx(PIXELS)[:-1]), "ends early"),
        (gzip.compress(idx(PIXELS))[:-30], "archive is damaged"),
    ],
    ids=["claims too many pixels", "short content", "short archive"],
)
def test_malformed_idx_archive_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(Unreadable, match=reason):
        list(read_idx(tmp_path / "images-idx3-ubyte.gz"))


def test_idx_of_images_without_pixels_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(HEADER + np.array([5, 0, 28], ">i4").tobytes())
    (unreadable,) = read_file(tmp_path / "images-idx3-ubyte")
    assert isinstance(unreadable, Unreadable)
    assert unreadable.reason == "the file has no rows"


def test_cifar_color_planes_and_labels_are_read(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (3, 3073), np.uint8)
    rows[:, 0] = [1, 0, 9]
    (tmp_path / "data_batch_1.bin").write_bytes(rows.tobytes())
    (tmp_path / "batches.meta.txt").write_text("cat\ndog\n")
    items = list(read_cifar(tmp_path / "data_batch_1.bin"))
    assert [item.label for item in items] == ["dog", "cat", "9"]
    np.testing.assert_array_equal(np.asarray(items[2].content)[:, :, 1], rows[2, 1 + 1024 : 1 + 2048].reshape(32, 32))


@pytest.mark.parametrize("content", [b"", b"x" * 3072], ids=["empty", "other size"])
def test_other_bin_file_is_not_a_cifar_batch(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "firmware.bin").write_bytes(content)
    with pytest.raises(Unreadable, match="CIFAR-10"):
        list(read_cifar(tmp_path / "firmware.bin"))
