"""A spool returns rows as they were appended, and after a crash those of the complete batches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from aesearch.index.spool import LOG_FILE, Spool


@pytest.fixture(scope="module")
def sparse_rows() -> csr_array:
    """Return sparse rows, [60, 20] float32. Two of them are empty."""
    X = random_array((60, 20), density=0.3, rng=np.random.default_rng(0), dtype=np.float32).toarray()
    X[30:32] = 0
    return csr_array(X)


def test_dense_rows_are_returned_by_position(digits: np.ndarray, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for start in range(0, 600, 77):
        spool.append(np.arange(600)[start : start + 77], digits[start : start + 77])
    assert len(spool) == 600
    for positions in (np.arange(100, 200), np.array([0, 5, 599]), np.arange(0)):
        np.testing.assert_array_equal(spool.rows(positions), digits[positions])
    spool.close()


def test_sparse_rows_are_returned_by_position(sparse_rows: csr_array, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for part in (sparse_rows[:30], sparse_rows[30:32], sparse_rows[32:]):
        spool.append(np.arange(part.shape[0]), part)
    for positions in (np.arange(20, 40), np.array([0, 30, 31, 59]), np.arange(0)):
        np.testing.assert_array_equal(spool.rows(positions).toarray(), sparse_rows.toarray()[positions])
    spool.close()


def test_sample_is_spread_and_without_repetition(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(np.arange(1000), np.arange(1000, dtype=np.float32)[:, None])
    sample = spool.sample(100)[:, 0]
    assert len(set(sample.tolist())) == 100
    assert 400 < sample.mean() < 600
    assert len(spool.sample(5000)) == 1000
    spool.close()


def test_append_is_possible_after_reading(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(np.arange(3), np.arange(3.0)[:, None])
    assert len(spool.rows(np.arange(3))) == 3
    spool.append(np.array([3]), np.array([[3.0]]))
    assert spool.rows(np.arange(4))[:, 0].tolist() == [0, 1, 2, 3]
    spool.close()


def append_batches(folder: Path, rows: Any) -> None:
    """Append six rows in three batches, under the keys 0 to 5."""
    spool = Spool(folder)
    for start in range(0, 6, 2):
        spool.append(np.arange(start, start + 2), rows[start : start + 2])
    spool.close()


@pytest.mark.parametrize("name", ["rows", "keys", LOG_FILE])
@pytest.mark.parametrize("n_lost_bytes", [1, 3])
def test_reopened_spool_discards_incomplete_batch(name: str, n_lost_bytes: int, digits: np.ndarray, tmp_path: Path) -> None:
    append_batches(tmp_path, digits)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[:-n_lost_bytes])
    spool = Spool(tmp_path)
    np.testing.assert_array_equal(spool.rows(np.arange(4)), digits[:4])
    assert spool.keys.tolist() == [0, 1, 2, 3]
    spool.append(np.array([9]), digits[9:10])
    spool.close()
    reopened = Spool(tmp_path)
    np.testing.assert_array_equal(reopened.rows(np.arange(5)), digits[[0, 1, 2, 3, 9]])
    reopened.close()


def test_reopened_sparse_spool_returns_same_rows(sparse_rows: csr_array, tmp_path: Path) -> None:
    append_batches(tmp_path, sparse_rows)
    spool = Spool(tmp_path)
    np.testing.assert_array_equal(spool.rows(np.arange(6)).toarray(), sparse_rows[:6].toarray())
    spool.close()


def test_reopened_spool_stops_at_unknown_key(digits: np.ndarray, tmp_path: Path) -> None:
    append_batches(tmp_path, digits)
    spool = Spool(tmp_path, known_keys={0, 1, 2, 4, 5})
    assert spool.keys.tolist() == [0, 1]
    spool.close()


def test_altered_row_ends_the_spool(digits: np.ndarray, tmp_path: Path) -> None:
    append_batches(tmp_path, digits)
    content = bytearray((tmp_path / "rows").read_bytes())
    content[2 * 64] ^= 1  # the first byte of the second batch
    (tmp_path / "rows").write_bytes(content)
    spool = Spool(tmp_path)
    assert spool.keys.tolist() == [0, 1]
    spool.close()
