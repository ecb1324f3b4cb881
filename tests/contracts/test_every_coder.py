"""The contract of every coder in the catalog, for every kind that it can encode. A new catalog entry is tested, too.

All tests of a case share one fitted coder, its ITQ bits, and its saved files. Training the coder again, and exporting it to
ONNX, take most of the time, so variants that differ from an earlier coder only in parameters do so in the slow tests.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from aesearch.arrays import is_sparse, scale_pixels
from aesearch.catalog import CODERS, create_coder
from aesearch.cli.param_docs import describe_params
from aesearch.coders.base import Coder
from aesearch.coders.itq import BASE_FOLDER, ITQ
from aesearch.coders.loading import load_coder
from aesearch.errors import InvalidParameter, NotFitted, ShapeMismatch, UnknownName, WrongKind
from aesearch.items import ITEM_KINDS, ItemKind

CODE_SIZE = 16
PARAMS = {
    "code_size": CODE_SIZE,
    "epochs": 10,
    "rounds": 1,
    "first_steps": 200,
    "steps_per_round": 200,
    "fixed_size": True,
    "batch_size": 32,
    "seed": 3,
    "device": "cpu",
}
"""Parameters for short training. A coder receives those that it has."""
VARIANTS = ("blend-images", "blend-vectors", "auto-images", "auto-vectors")
"""Slow cases: they train a network that other cases train, too."""

Case = tuple[str, ItemKind]
CASES: list[Case] = [(name, kind) for name, entry in CODERS.items() for kind in entry.kinds]
UNSUPPORTED_CASES = [(name, kind) for name, entry in CODERS.items() for kind in ITEM_KINDS if kind not in entry.kinds]
WITHOUT_ITQ = {"raw": "does not compute float codes", "hashing": "already binary"}


def is_variant(case: Case) -> bool:
    """Return whether an earlier case trains a network of the same class and architecture for the same kind."""

    def network(case: Case) -> tuple[Any, ...]:
        name, kind = case
        return CODERS[name].target, CODERS[name].params.get("architecture", "dense"), kind

    is_trained = CODERS[case[0]].target.startswith("aesearch.autoencoders.")
    return is_trained and network(case) in map(network, CASES[: CASES.index(case)])


def parametrize(cases: list[Case], *, slow_variants: bool = False) -> pytest.MarkDecorator:
    def is_slow(case: Case) -> bool:
        return "-".join(case) in VARIANTS or (slow_variants and is_variant(case))

    marked = [pytest.param(case, marks=[pytest.mark.slow] if is_slow(case) else []) for case in cases]
    return pytest.mark.parametrize("case", marked, ids=map("-".join, cases))


every_case = parametrize(CASES)
every_network = parametrize(CASES, slow_variants=True)


class Fitted(NamedTuple):
    """A fitted coder, the rows that it was fitted to, its codes of these rows, and its bits if it supports them."""

    coder: Coder
    X: Any
    codes: np.ndarray
    bits: ITQ | None


Fit = Callable[[Case], Fitted]
Save = Callable[[Case], Path]


def create(case: Case) -> Coder:
    name, kind = case
    known = CODERS[name].load().param_names()
    coder: Coder = create_coder(name, kind, **{param: value for param, value in PARAMS.items() if param in known})
    return coder


def assert_nearly_equal(case: Case, actual: np.ndarray, expected: np.ndarray) -> None:
    """Check two matrices. In a few rows, rounding may have swapped two equally near visual words of a patch."""
    scale = max(1, np.abs(expected).max())
    if not has_visual_words(case):
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-4 * scale)
        return
    differences = np.abs(actual.astype(np.float64) - expected).max(1)
    assert (differences > 1e-4 * scale).mean() <= 0.03
    assert differences.max() <= 0.02 * scale


def has_visual_words(case: Case) -> bool:
    return case in [(name, "images") for name in ("neighbors", "blend", "descriptors", "auto")]


def to_dense(rows: Any) -> np.ndarray:
    return rows.toarray() if is_sparse(rows) else np.asarray(rows)


@pytest.fixture(scope="module")
def rows(digits: np.ndarray, bags: Any, vectors: np.ndarray) -> dict[ItemKind, Any]:
    """Rows of each kind."""
    return {"images": digits[:300], "documents": bags[:300], "vectors": vectors[:300]}


@pytest.fixture(scope="module")
def fit(rows: dict[ItemKind, Any]) -> Fit:
    """Function that fits the coder of a case when it is first called with the case."""

    @cache
    def fit(case: Case) -> Fitted:
        name, kind = case
        coder, X = create(case), rows[kind]
        bits = None if name in WITHOUT_ITQ else ITQ(coder)
        (bits or coder).fit(X)
        coder = coder.resolve()
        return Fitted(coder, X, to_dense(coder.encode(X)), bits)

    return fit


@pytest.fixture(scope="module")
def save(fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Save:
    """Function that saves the bits of a case, and the coder with them, when it is first called with the case."""

    @cache
    def save(case: Case) -> Path:
        coder, _, _, bits = fit(case)
        folder = tmp_path_factory.mktemp("saved")
        if bits is None:
            coder.save(folder / BASE_FOLDER)
        else:
            bits.save(folder)
        return folder

    return save


@every_case
def test_codes_have_documented_shape_and_dtype(case: Case, fit: Fit) -> None:
    coder, X, codes, _ = fit(case)
    is_binary = coder.metric == "hamming"
    assert codes.shape == (X.shape[0], coder.code_size // 8 if is_binary else coder.code_size)
    assert codes.dtype == (np.uint8 if is_binary else np.float32)
    assert np.isfinite(codes).all()
    assert len(np.unique(codes, axis=0)) > 10


@every_case
def test_encode_is_deterministic(case: Case, fit: Fit) -> None:
    coder, X, codes, _ = fit(case)
    np.testing.assert_array_equal(to_dense(coder.encode(X)), codes)


@every_case
def test_code_is_independent_of_other_rows(case: Case, fit: Fit) -> None:
    coder, X, codes, _ = fit(case)
    positions = [0, 7, 50]
    alone = np.concatenate([to_dense(coder.encode(X[[position]])) for position in positions])
    rtol = 1e-3 if has_visual_words(case) else 1e-4
    np.testing.assert_allclose(alone, codes[positions], rtol=rtol, atol=rtol / 10)


@every_case
def test_encode_accepts_zero_rows(case: Case, fit: Fit) -> None:
    coder, X, codes, _ = fit(case)
    assert coder.encode(X[:0]).shape == (0, codes.shape[1])


@parametrize([case for case in CASES if case[1] == "images"])
def test_uint8_and_scaled_pixels_have_equal_codes(case: Case, fit: Fit) -> None:
    coder, X, codes, _ = fit(case)
    np.testing.assert_allclose(coder.encode(scale_pixels(X)), codes, rtol=1e-4, atol=1e-4)


@every_case
def test_reconstruction_is_closer_than_mean(case: Case, fit: Fit) -> None:
    coder, X, codes, _ = fit(case)
    expected = scale_pixels(to_dense(X))
    decoded = coder.decode(codes)
    assert decoded.shape == expected.shape
    # Training is short: for documents, an error close to that of the mean is enough.
    margin = 1.02 if is_sparse(X) else 1.0
    assert ((expected - decoded) ** 2).sum() < margin * ((expected - expected.mean(0)) ** 2).sum()


@every_network
def test_loaded_coder_equals_saved_one(case: Case, fit: Fit, save: Save) -> None:
    coder, X, codes, _ = fit(case)
    loaded = load_coder(save(case) / BASE_FOLDER, encoder_only=False)
    assert loaded.can_decode
    assert loaded.get_params() == coder.get_params()
    assert (loaded.name, loaded.metric) == (coder.name, coder.metric)
    assert (loaded.code_size, loaded.shape) == (coder.code_size, coder.shape)
    np.testing.assert_array_equal(to_dense(loaded.encode(X)), codes)
    np.testing.assert_array_equal(loaded.decode(codes[:5]), coder.decode(codes[:5]))


@every_network
def test_loaded_encoder_returns_same_codes(case: Case, fit: Fit, save: Save) -> None:
    coder, X, codes, _ = fit(case)
    encoder = load_coder(save(case) / BASE_FOLDER, encoder_only=True)
    assert (encoder.metric, encoder.code_size, encoder.shape) == (coder.metric, coder.code_size, coder.shape)
    assert_nearly_equal(case, to_dense(encoder.encode(X)), codes)


@every_network
def test_rerank_features_are_equal_after_loading(case: Case, fit: Fit, save: Save) -> None:
    coder, X, *_ = fit(case)
    features = to_dense(coder.rerank_features(X))
    assert (features.ndim, features.shape[0], features.dtype) == (2, X.shape[0], np.float32)
    assert (features.std(0) > 0).any()
    groups = coder.rerank_feature_groups()
    assert not groups or sum(groups.values()) == features.shape[1]
    encoder = load_coder(save(case) / BASE_FOLDER, encoder_only=True)
    assert_nearly_equal(case, to_dense(encoder.rerank_features(X)), features)
    assert list(encoder.rerank_feature_groups().items()) == list(groups.items())


@parametrize([case for case in CASES if case[0] not in WITHOUT_ITQ], slow_variants=True)
def test_itq_bits_are_equal_after_loading(case: Case, fit: Fit, save: Save) -> None:
    _, X, _, bits = fit(case)
    assert bits is not None
    codes = bits.encode(X)
    assert codes.dtype == np.uint8
    assert codes.shape == (X.shape[0], CODE_SIZE // 8)
    np.testing.assert_array_equal(load_coder(save(case), encoder_only=True).encode(X), codes)
    assert bits.decode(codes[:3]).shape == (3, *X.shape[1:])


@pytest.mark.parametrize("name", WITHOUT_ITQ)
def test_itq_rejects_coders_without_float_codes(name: str) -> None:
    with pytest.raises(InvalidParameter, match=WITHOUT_ITQ[name]):
        ITQ(create((name, "images")))


@every_network
def test_equal_seeds_give_equal_coders(case: Case, fit: Fit) -> None:
    _, X, codes, _ = fit(case)
    np.testing.assert_array_equal(to_dense(create(case).fit(X).encode(X)), codes)


@every_case
def test_encode_rejects_rows_of_another_shape(case: Case, fit: Fit) -> None:
    coder, X, *_ = fit(case)
    other = X[:, :, :7] if X.ndim == 4 else X[:, : X.shape[1] - 1]
    with pytest.raises(ShapeMismatch, match=r"expected.*got"):
        coder.encode(other)


@every_case
def test_unfitted_coder_raises_not_fitted(case: Case, rows: dict[ItemKind, Any], tmp_path: Path) -> None:
    coder, X = create(case), rows[case[1]]
    for use in (lambda: coder.encode(X), lambda: coder.rerank_features(X), lambda: coder.save(tmp_path)):
        with pytest.raises(NotFitted, match="fit"):
            use()


@pytest.mark.parametrize("name", CODERS)
def test_unknown_parameter_is_rejected(name: str) -> None:
    with pytest.raises(InvalidParameter, match='no parameter "color"'):
        create_coder(name, color="red")


@pytest.mark.parametrize(("name", "kind"), UNSUPPORTED_CASES)
def test_unsupported_kind_is_rejected(name: str, kind: ItemKind) -> None:
    with pytest.raises(WrongKind, match="choose from"):
        create_coder(name, kind)


def test_unknown_coder_is_rejected_with_suggestion() -> None:
    with pytest.raises(UnknownName, match='did you mean "convolutional"'):
        create_coder("convolutonal")


@pytest.mark.parametrize("name", CODERS)
def test_catalog_entry_has_summary_and_coder(name: str) -> None:
    assert CODERS[name].summary
    assert issubclass(CODERS[name].load(), Coder)


@pytest.mark.parametrize("name", CODERS)
def test_every_parameter_is_documented(name: str) -> None:
    for param in describe_params(name):
        assert param.type, param.name
        assert param.description, param.name
