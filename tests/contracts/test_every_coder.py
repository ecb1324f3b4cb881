"""What every coder of the catalog promises, for every kind it is for; a new name is tested by being listed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.arrays import is_sparse
from aesearch.catalog import CODERS, create_coder
from aesearch.coders.base import Coder
from aesearch.coders.itq import ITQ
from aesearch.coders.loading import load_coder
from aesearch.errors import InvalidParameter, NotFitted, ShapeMismatch, UnknownName, WrongKind
from aesearch.items import ITEM_KINDS

CASES = [(name, kind) for name, entry in CODERS.items() for kind in entry.kinds]
SIZE = 16


def make(name: str, kind: str, **settings: Any) -> Coder:
    epochs = 2 if name == "neighbors" else 10  # its epochs are rounds of many
    wanted = {"code_size": SIZE, "epochs": epochs, "batch_size": 32, "seed": 3, "device": "cpu"} | settings
    known = CODERS[name].load().param_names()
    return create_coder(name, kind, **{key: value for key, value in wanted.items() if key in known})


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(request: pytest.FixtureRequest, digits: np.ndarray, bags: Any, vectors: np.ndarray) -> tuple[Coder, Any]:
    """A fitted coder and the rows that it learned from."""
    name, kind = request.param
    X = {"images": digits, "documents": bags, "vectors": vectors}[kind]
    return make(name, kind).fit(X), X


@pytest.fixture(scope="module")
def saved(case: tuple[Coder, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was saved."""
    folder = tmp_path_factory.mktemp("saved") / "coder"
    case[0].save(folder)
    return folder


def kind_of(X: Any) -> str:
    return "documents" if is_sparse(X) else "images" if X.ndim == 4 else "vectors"


def dense(codes: Any) -> np.ndarray:
    return codes.toarray() if is_sparse(codes) else np.asarray(codes)


def test_codes_are_float32_rows_of_the_stated_size(case: tuple[Coder, Any]) -> None:
    coder, X = case
    codes = coder.encode(X)
    bits = coder.metric == "hamming"
    assert codes.shape == (X.shape[0], coder.code_size // 8 if bits else coder.code_size)
    assert codes.dtype == (np.uint8 if bits else np.float32)
    assert np.isfinite(dense(codes)).all()


def test_asked_twice_the_same_rows_get_the_same_codes(case: tuple[Coder, Any]) -> None:
    coder, X = case
    np.testing.assert_array_equal(dense(coder.encode(X)), dense(coder.encode(X)))


def test_a_row_alone_gets_the_code_that_it_gets_among_others(case: tuple[Coder, Any]) -> None:
    coder, X = case
    codes = dense(coder.encode(X))
    for number in (0, 7, 50):
        np.testing.assert_allclose(dense(coder.encode(X[[number]]))[0], codes[number], rtol=1e-4, atol=1e-5)


def test_no_rows_give_no_codes(case: tuple[Coder, Any]) -> None:
    coder, X = case
    assert coder.encode(X[:0]).shape == (0, coder.encode(X[:1]).shape[1])


def test_floats_in_0_to_1_and_bytes_of_the_same_pictures_get_the_same_codes(case: tuple[Coder, Any]) -> None:
    coder, X = case
    if X.dtype == np.uint8:
        np.testing.assert_allclose(coder.encode(X.astype(np.float32) / 255), coder.encode(X), rtol=1e-4, atol=1e-4)


def test_decoding_gives_rows_nearer_than_their_mean(case: tuple[Coder, Any]) -> None:
    coder, X = case
    rows = X.toarray() if is_sparse(X) else X / np.float32(255 if X.dtype == np.uint8 else 1)
    decoded = coder.decode(coder.encode(X))
    assert decoded.shape == rows.shape
    # Ten epochs are few: it is enough that something was learned beyond the mean, or for words nearly as much as it.
    margin = 1.02 if is_sparse(X) else 1.0
    assert ((rows - decoded) ** 2).sum() < margin * ((rows - rows.mean(0)) ** 2).sum()


def test_saved_and_loaded_whole_it_codes_and_decodes_alike(case: tuple[Coder, Any], saved: Path) -> None:
    coder, X = case
    loaded = load_coder(saved, encoder_only=False)
    assert loaded.name == coder.name
    assert loaded.get_params() == coder.get_params()
    assert (loaded.metric, loaded.code_size, loaded.shape) == (coder.metric, coder.code_size, coder.shape)
    codes = coder.encode(X)
    np.testing.assert_array_equal(dense(loaded.encode(X)), dense(codes))
    np.testing.assert_array_equal(loaded.decode(codes[:5]), coder.decode(codes[:5]))


def test_loaded_to_be_asked_it_codes_as_before(case: tuple[Coder, Any], saved: Path) -> None:
    coder, X = case
    light = load_coder(saved, encoder_only=True)
    assert (light.metric, light.code_size, light.shape) == (coder.metric, coder.code_size, coder.shape)
    codes = dense(coder.encode(X))
    np.testing.assert_allclose(dense(light.encode(X)), codes, atol=1e-4 * max(1, np.abs(codes).max()))


def test_its_details_are_rows_of_floats_and_the_same_after_loading_to_be_asked(
    case: tuple[Coder, Any], saved: Path
) -> None:
    coder, X = case
    details = dense(coder.rerank_features(X))
    assert details.shape[0] == X.shape[0]
    assert (details.ndim, details.dtype) == (2, np.float32)
    assert (details.std(0) > 0).any()
    light = load_coder(saved, encoder_only=True)
    np.testing.assert_allclose(dense(light.rerank_features(X)), details, atol=1e-4 * max(1, np.abs(details).max()))
    parts = coder.rerank_feature_groups()
    assert list(light.rerank_feature_groups().items()) == list(parts.items())
    assert sum(parts.values()) == (details.shape[1] if parts else 0)


def test_its_bits_are_the_same_after_loading_to_be_asked(case: tuple[Coder, Any], tmp_path: Path) -> None:
    coder, X = case
    if coder.name in ("raw", "hashing"):
        with pytest.raises(InvalidParameter, match=r"no code to turn into bits|bits already"):
            ITQ(coder)
        return
    bits = ITQ(make(coder.name, kind_of(X))).fit(X)
    codes = bits.encode(X)
    assert codes.dtype == np.uint8
    assert codes.shape == (X.shape[0], SIZE // 8)
    bits.save(tmp_path / "bits")
    np.testing.assert_array_equal(load_coder(tmp_path / "bits").encode(X), codes)
    assert bits.decode(codes[:3]).shape == (3, *X.shape[1:])


def test_one_seed_gives_one_model(case: tuple[Coder, Any]) -> None:
    coder, X = case
    again = make(coder.name, kind_of(X)).fit(X)
    np.testing.assert_array_equal(dense(again.encode(X)), dense(coder.encode(X)))


def test_rows_of_another_shape_are_refused_with_both_shapes(case: tuple[Coder, Any]) -> None:
    coder, X = case
    other = X[:, :, :7] if kind_of(X) == "images" else X[:, : X.shape[1] - 1]
    with pytest.raises(ShapeMismatch, match=r"expected.*given"):
        coder.encode(other)


@pytest.mark.parametrize(("name", "kind"), CASES, ids="-".join)
def test_before_it_is_fitted_it_says_so(name: str, kind: str, digits: np.ndarray, tmp_path: Path) -> None:
    coder = make(name, kind)
    with pytest.raises(NotFitted, match="fit"):
        coder.encode(digits)
    with pytest.raises(NotFitted, match="fit"):
        coder.rerank_features(digits)
    with pytest.raises(NotFitted, match="fit"):
        coder.save(tmp_path)


@pytest.mark.parametrize("name", CODERS)
def test_a_setting_that_it_does_not_have_is_named(name: str) -> None:
    with pytest.raises(InvalidParameter, match='no setting "color"'):
        create_coder(name, color="red")


@pytest.mark.parametrize("name", CODERS)
def test_it_is_refused_for_a_kind_that_it_is_not_for(name: str) -> None:
    for kind in ITEM_KINDS:
        if kind not in CODERS[name].kinds:
            with pytest.raises(WrongKind, match="choose from"):
                create_coder(name, kind)


def test_an_unknown_coder_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match='did you mean "convolutional"'):
        create_coder("convolutonal")


def test_every_entry_has_a_summary_and_resolves() -> None:
    for name, entry in CODERS.items():
        assert entry.summary, name
        assert issubclass(entry.load(), Coder)
