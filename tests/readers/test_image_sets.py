"""MNIST's and CIFAR-10's own file formats."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import Unreadable
from aesearch.readers.image_sets import read_cifar, read_idx
from aesearch.readers.workers import read_file

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 6, 7), np.uint8)


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_pictures_and_labels_of_an_idx_pair(packed: bool, tmp_path: Path) -> None:
    end, pack = (".gz", gzip.compress) if packed else ("", bytes)
    (tmp_path / f"train-images-idx3-ubyte{end}").write_bytes(pack(idx(PIXELS)))
    (tmp_path / f"train-labels-idx1-ubyte{end}").write_bytes(pack(idx(np.arange(5, dtype=np.uint8))))
    items = list(read_idx(tmp_path / f"train-images-idx3-ubyte{end}"))
    assert [item.id for item in items] == [f"#{n}" for n in range(5)]
    assert [item.label for item in items] == list("01234")
    np.testing.assert_array_equal(np.stack([np.asarray(item.content) for item in items]), PIXELS)


def test_without_labels_beside_them_pictures_have_none(tmp_path: Path) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(PIXELS))
    assert [item.label for item in read_idx(tmp_path / "images-idx3-ubyte")] == [None] * 5


def test_damaged_idx_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "images-idx3-ubyte"
    for raw in (b"", b"abc", idx(PIXELS)[:-1], idx(PIXELS) + b"x", idx(PIXELS[0])):
        path.write_bytes(raw)
        with pytest.raises(Unreadable, match="not an idx file"):
            list(read_idx(path))
    path.write_bytes(idx(PIXELS))
    (tmp_path / "labels-idx1-ubyte").write_bytes(idx(np.zeros(4, np.uint8)))
    with pytest.raises(Unreadable, match=r"5 pictures.*4 labels"):
        list(read_idx(path))


def test_what_an_idx_file_claims_is_not_believed(tmp_path: Path) -> None:
    head = bytes([0, 0, 8, 3])
    for name, raw, says in (
        ("negative-images-idx3-ubyte", head + np.array([-1, -1, 100], ">i4").tobytes() + bytes(100), "not an idx file"),
        ("wide-images-idx3-ubyte.gz", gzip.compress(head + np.array([1, 30_000, 30_000], ">i4").tobytes()), "pixels"),
        ("cut-images-idx3-ubyte.gz", gzip.compress(idx(PIXELS)[:-1]), "ends early"),
        ("broken-images-idx3-ubyte.gz", gzip.compress(idx(PIXELS))[:-30], "damaged"),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(Unreadable, match=says):
            list(read_idx(tmp_path / name))
    (tmp_path / "flat-images-idx3-ubyte").write_bytes(head + np.array([5, 0, 28], ">i4").tobytes())
    assert [str(one) for one in read_file(tmp_path / "flat-images-idx3-ubyte")] == ["cannot read : it holds no rows"]


def test_a_cifar_batch_is_planes_of_red_green_and_blue(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (3, 3073), np.uint8)
    rows[:, 0] = [1, 0, 9]
    (tmp_path / "data_batch_1.bin").write_bytes(rows.tobytes())
    (tmp_path / "batches.meta.txt").write_text("cat\ndog\n")
    items = list(read_cifar(tmp_path / "data_batch_1.bin"))
    assert [item.label for item in items] == ["dog", "cat", "9"]
    np.testing.assert_array_equal(np.asarray(items[2].content)[:, :, 1], rows[2, 1 + 1024 : 1 + 2048].reshape(32, 32))


def test_a_file_that_is_no_cifar_batch_is_refused(tmp_path: Path) -> None:
    for raw in (b"", b"x" * 3072):
        (tmp_path / "firmware.bin").write_bytes(raw)
        with pytest.raises(Unreadable, match="CIFAR-10"):
            list(read_cifar(tmp_path / "firmware.bin"))
