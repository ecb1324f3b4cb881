"""Coders of very few, equal, or empty items: every code is finite, and a code size that is proposed works."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.arrays import is_sparse
from aesearch.catalog import CODERS, create_coder
from aesearch.coders.base import BITS_PER_BYTE, Coder, finite_rows
from aesearch.coders.itq import ITQ
from aesearch.coders.linear import LSA, PCA
from aesearch.errors import InvalidParameter
from aesearch.items import ItemKind

FAST_NETWORKS = (("neighbors", "documents"), ("neighbors", "vectors"))
LINEAR = ("pca", "pca-whitened", "lsa", "raw")
SHORT_TRAINING = {
    "epochs": 2,
    "rounds": 1,
    "first_steps": 10,
    "steps_per_round": 10,
    "fixed_size": True,
    "batch_size": 32,
    "device": "cpu",
}
SHAPES: dict[ItemKind, tuple[int, ...]] = {"images": (1, 8, 8), "documents": (40,), "vectors": (20,)}
CASES = [(name, kind) for name, entry in CODERS.items() for kind in entry.kinds]


def draw_rows(kind: ItemKind, n_items: int) -> Any:
    rng = np.random.default_rng(0)
    shape = (n_items, *SHAPES[kind])
    if kind == "images":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    if kind == "vectors":
        return rng.standard_normal(shape).astype(np.float32)
    X = (rng.random(shape) * (rng.random(shape) < 0.2)).astype(np.float32)
    return csr_array(X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12))


def without_variance(X: Any) -> Any:
    """Return rows with equal values in the first half of the columns."""
    if is_sparse(X):
        X = X.toarray()
        X[:, : X.shape[1] // 2] = 0
        return csr_array(X)
    X[..., : X.shape[-1] // 2] = 7
    return X


ROWS: dict[str, Callable[[ItemKind], Any]] = {
    "one item": lambda kind: draw_rows(kind, 1),
    "two items": lambda kind: draw_rows(kind, 2),
    "two equal items": lambda kind: draw_rows(kind, 1)[[0, 0]],
    "thirty equal items": lambda kind: draw_rows(kind, 1)[[0] * 30],
    "zeros": lambda kind: draw_rows(kind, 30) * 0,
    "columns without variance": lambda kind: without_variance(draw_rows(kind, 30)),
}


def create(name: str, kind: ItemKind, X: Any, *, bits: bool) -> Coder:
    """Return a coder with the default code size for rows X."""
    coder_class = CODERS[name].load()
    params: dict[str, Any] = {key: value for key, value in SHORT_TRAINING.items() if key in coder_class.param_names()}
    if "code_size" in coder_class.param_names():
        size = coder_class.max_code_size(tuple(X.shape[1:]), X.shape[0])
        params["code_size"] = size - size % BITS_PER_BYTE if size >= BITS_PER_BYTE else BITS_PER_BYTE if bits else size
    coder: Coder = create_coder(name, kind, **params)
    return ITQ(coder) if bits else coder


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize(
    ("name", "kind"),
    [pytest.param(*case, marks=[] if case[0] in LINEAR or case in FAST_NETWORKS else pytest.mark.slow) for case in CASES],
)
def test_codes_are_finite(name: str, kind: ItemKind, rows: str) -> None:
    X, query = ROWS[rows](kind), draw_rows(kind, 3)
    for bits in (False, True) if CODERS[name].load().supports_itq else (False,):
        if bits and name == "hashing":
            continue
        coder = create(name, kind, X, bits=bits)
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            codes, query_codes = coder.fit(X).encode(X), coder.encode(query)
        assert finite_rows(codes).all()
        assert finite_rows(query_codes).all()


@pytest.mark.parametrize("whiten", [False, True])
def test_single_vector_is_at_distance_zero_and_others_are_not(whiten: bool) -> None:
    X = draw_rows("vectors", 1)
    pca = PCA(PCA.max_code_size(X.shape[1:], 1), whiten=whiten).fit(X)
    assert np.abs(pca.encode(X)).max() < 1e-6
    assert np.linalg.norm(pca.encode(draw_rows("vectors", 5)[1:]), axis=1).min() > 0.1


@pytest.mark.parametrize(("coder_class", "kind"), [(PCA, "vectors"), (LSA, "documents")])
@pytest.mark.parametrize(("n_items", "n_features"), [(1, 20), (2, 20), (30, 1), (30, 3), (1, 1)])
def test_one_byte_of_bits_is_always_possible(
    coder_class: type[PCA | LSA], kind: ItemKind, n_items: int, n_features: int
) -> None:
    X = draw_rows(kind, n_items)[:, :n_features]
    bits = ITQ(coder_class(BITS_PER_BYTE)).fit(X)
    assert bits.encode(X).shape == (n_items, 1)
    assert np.isfinite(bits.decode(bits.encode(X))).all()


def test_column_with_large_constant_does_not_change_the_codes() -> None:
    X = draw_rows("vectors", 300)
    expected = PCA(8).fit(X).encode(X)
    codes = PCA(8).fit(np.hstack([X, np.full((300, 1), 1e6, np.float32)])).encode(np.hstack([X, np.full((300, 1), 1e6)]))
    np.testing.assert_allclose(np.abs(codes), np.abs(expected), atol=1e-3)


def test_whitening_does_not_amplify_rounding_errors() -> None:
    X = draw_rows("vectors", 4)
    X[:, 0] *= 1e6
    codes = PCA(4, whiten=True).fit(X).encode(X)  # the fourth component of four centered items has no variance
    assert np.abs(codes[:, 3]).max() < 1e-3 * np.abs(codes[:, 0]).max()


def test_proposed_code_sizes_of_short_rows_do_not_contradict_each_other() -> None:
    X = draw_rows("vectors", 30)[:, :3]
    with pytest.raises(InvalidParameter, match='another coder, such as "neighbors"'):
        ITQ(create_coder("dense", code_size=8, epochs=1)).fit(X)
    assert ITQ(create_coder("neighbors", code_size=8, rounds=1, steps_per_round=10)).fit(X).encode(X).shape == (30, 1)
