"""Rows come off the spool as they went on."""

from pathlib import Path
from typing import Any

import numpy as np

from aesearch.index.spool import Spool


def test_dense_rows_come_back_by_their_numbers(digits: np.ndarray, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for start in range(0, 600, 77):
        spool.append(np.arange(600)[start : start + 77], digits[:600][start : start + 77])
    assert len(spool) == 600
    for numbers in (np.arange(100, 200), np.array([0, 5, 599]), np.arange(0)):
        np.testing.assert_array_equal(spool.rows(numbers), digits[numbers])
    spool.close()


def test_sparse_rows_come_back_by_their_numbers(bags: Any, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    empty = bags[:2] * 0
    empty.eliminate_zeros()
    for part in (bags[:50], empty, bags[50:]):
        spool.append(np.arange(part.shape[0]), part)
    dense = np.concatenate([bags[:50].toarray(), np.zeros((2, 1000)), bags[50:].toarray()])
    for numbers in (np.arange(40, 60), np.array([0, 51, 52, len(dense) - 1]), np.arange(0)):
        np.testing.assert_array_equal(spool.rows(numbers).toarray(), dense[numbers])
    spool.close()


def test_a_sample_is_drawn_from_everywhere_and_once(digits: np.ndarray, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(np.arange(1000), np.arange(1000, dtype=np.float32)[:, None])
    sample = spool.sample(100)[:, 0]
    assert len(set(sample.tolist())) == 100
    assert 400 < sample.mean() < 600
    assert len(spool.sample(5000)) == 1000
    spool.append(np.zeros(1), np.zeros((1, 1), np.float32))
    assert len(spool.rows(np.arange(1001))) == 1001
    spool.close()
