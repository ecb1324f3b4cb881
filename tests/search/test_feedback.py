"""A combined code moves towards positive examples and away from negative ones, for every metric."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.search.feedback import combine_codes
from aesearch.stores.distances import pairwise_distances

rng = np.random.default_rng(0)
FLOATS = rng.standard_normal((3, 32)).astype(np.float32)
CODES = {
    "cosine": FLOATS,
    "l2": FLOATS,
    "hamming": np.packbits(FLOATS > 0, axis=1),
    "sparse": csr_array(np.maximum(FLOATS, 0)),
}


@pytest.mark.parametrize("kind", CODES)
def test_code_moves_towards_examples_and_away_from_others(kind: str) -> None:
    codes, metric = CODES[kind], "cosine" if kind == "sparse" else kind
    combined = combine_codes(codes, np.array([1.0, 0.8, -0.4]), metric)  # type: ignore[arg-type]
    assert combined.shape == (1, codes.shape[1])
    assert combined.dtype == codes.dtype

    def distances(code: object) -> np.ndarray:
        rows = code, codes
        if metric == "cosine":
            rows = tuple(
                csr_array(X / np.linalg.norm(np.asarray(csr_array(X).toarray()), axis=1, keepdims=True)) for X in rows
            )
        return pairwise_distances(*rows, metric)[0]  # type: ignore[arg-type]

    before, after = distances(codes[[0]]), distances(combined)
    assert after[1] < before[1]
    assert after[2] > before[2] or (kind == "sparse" and after[2] >= before[2] - 1e-6)


@pytest.mark.parametrize("kind", CODES)
def test_a_single_code_stays_where_it_is(kind: str) -> None:
    codes, metric = CODES[kind], "cosine" if kind == "sparse" else kind
    same = combine_codes(codes[[0]], np.ones(1), metric)  # type: ignore[arg-type]
    same, code = (X.toarray() if kind == "sparse" else X for X in (same, codes[[0]]))
    scale = np.linalg.norm(code) if metric == "cosine" else 1
    np.testing.assert_allclose(same * scale, code, rtol=1e-5)
