"""The contract of all features in the catalog."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from aesearch.arrays import is_sparse, read_json, write_json
from aesearch.catalog import FEATURES
from aesearch.coders.base import finite_rows
from aesearch.errors import CorruptIndex, NoItems, NotFitted, WrongKind
from aesearch.features.base import CONFIG_FILE, Features, load_features
from aesearch.items import Item, ItemKind
from aesearch.readers.folder import read_files

CASES = [(name, kind) for name, entry in FEATURES.items() for kind in entry.kinds]


class Case(NamedTuple):
    """Unfitted features, and items for them."""

    features: Features
    items: list[Item]


@pytest.fixture(scope="session")
def items_by_kind(digit_folder: Path, documents: list[Item], vectors: np.ndarray) -> dict[ItemKind, list[Item]]:
    return {
        "images": list(read_files(digit_folder / "test" / "3")),
        "documents": documents[:120],
        "vectors": [Item(str(number), vector) for number, vector in enumerate(vectors[:50])],
    }


@pytest.fixture(params=CASES, ids="-".join)
def case(
    request: pytest.FixtureRequest, items_by_kind: dict[ItemKind, list[Item]], image_model: Path, text_model: Path
) -> Case:
    name, kind = request.param
    models = {"images": image_model, "documents": text_model}
    params = {"kind": kind, "model": str(models[kind])} if name == "pretrained" else {}
    return Case(FEATURES[name].load()(**params), items_by_kind[kind])


def dense(X: Any) -> np.ndarray:
    return X.toarray() if is_sparse(X) else X


def test_rows_have_the_stated_shape_and_dtype(case: Case) -> None:
    X = case.features.fit(case.items).transform(case.items)
    assert X.shape == (len(case.items), *case.features.shape)
    assert X.dtype in (np.uint8, np.float32)
    assert np.isfinite(dense(X)).all()


def test_row_does_not_depend_on_other_items(case: Case) -> None:
    X = dense(case.features.fit(case.items).transform(case.items))
    for position in (0, 3, len(case.items) - 1):
        np.testing.assert_array_equal(dense(case.features.transform([case.items[position]]))[0], X[position])


def test_different_items_have_different_rows(case: Case) -> None:
    X = dense(case.features.fit(case.items).transform(case.items))
    assert len(np.unique(X, axis=0)) > 0.9 * len(case.items)


def test_no_items_yield_no_rows(case: Case) -> None:
    assert case.features.fit(case.items).transform([]).shape == (0, *case.features.shape)


def test_inverse_transform_returns_one_value_per_row(case: Case) -> None:
    X = case.features.fit(case.items).transform(case.items)
    assert len(case.features.inverse_transform(X)) == len(case.items)


def test_kind_is_one_that_the_catalog_states(case: Case) -> None:
    assert case.features.kind in FEATURES[case.features.name].kinds
    assert {item.kind for item in case.items} == {case.features.kind}


def test_fitted_items_are_not_rejected(case: Case) -> None:
    case.features.fit(case.items)
    assert [case.features.rejection_reason(item) for item in case.items] == [None] * len(case.items)


def test_fitted_items_have_no_warnings(case: Case) -> None:
    assert case.features.fit(case.items).row_warnings(case.features.transform(case.items)) == {}
    assert case.features.row_warnings(case.features.transform([])) == {}


UNUSUAL_ITEMS: dict[ItemKind, list[Item]] = {
    "images": [Item("no pixels", np.zeros((0, 5), np.uint8)), Item("one pixel", np.zeros((1, 1), np.uint8))],
    "documents": [Item("empty", ""), Item("symbols", "?!"), Item("surrogate", "a\ud800b"), Item("nul", "\0" * 100)],
    "vectors": [Item("NaN", np.full(40, np.nan)), Item("large", np.full(40, 1e36)), Item("zero", np.zeros(40))],
}


def test_unusual_item_is_rejected_or_has_a_finite_row(case: Case) -> None:
    case.features.fit(case.items)
    for item in UNUSUAL_ITEMS[case.features.kind]:
        if case.features.rejection_reason(item) is None:
            X = case.features.transform([item])
            assert finite_rows(X).all(), item.id
            assert case.features.row_warnings(X) or dense(X).any() or case.features.kind == "images", item.id


def test_loaded_features_make_the_same_rows(case: Case, tmp_path: Path) -> None:
    case.features.fit(case.items).save(tmp_path / "features")
    loaded = load_features(tmp_path / "features")
    assert type(loaded) is type(case.features)
    assert loaded.get_params() == case.features.get_params()
    assert (loaded.shape, loaded.kind) == (case.features.shape, case.features.kind)
    assert (loaded.row_kind, loaded.image_size) == (case.features.row_kind, case.features.image_size)
    np.testing.assert_array_equal(dense(loaded.transform(case.items)), dense(case.features.transform(case.items)))


def test_transform_before_fit_is_refused(case: Case) -> None:
    with pytest.raises(NotFitted, match="fit"):
        case.features.transform(case.items)


def test_fit_without_items_is_refused(case: Case) -> None:
    with pytest.raises(NoItems):
        case.features.fit([])


def test_items_of_other_kinds_are_refused(case: Case, items_by_kind: dict[ItemKind, list[Item]]) -> None:
    others = [items[0] for kind, items in items_by_kind.items() if kind != case.features.kind]
    for other in others:
        with pytest.raises(WrongKind, match=other.id):
            case.features.fit([other])
        with pytest.raises(WrongKind, match=other.id):
            case.features.fit(case.items).transform([*case.items, other])


def test_missing_or_truncated_file_is_corrupt(case: Case, tmp_path: Path) -> None:
    case.features.fit(case.items).save(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(CorruptIndex):
            load_features(tmp_path)
        path.unlink()
        with pytest.raises(CorruptIndex, match=path.name):
            load_features(tmp_path)
        path.write_bytes(content)


@pytest.mark.parametrize("changes", [{"features": "nonsense"}, {"params": {"color": "red"}}, {"params": None}], ids=str)
def test_config_with_a_wrong_value_is_corrupt(case: Case, tmp_path: Path, changes: dict[str, Any]) -> None:
    case.features.fit(case.items).save(tmp_path)
    write_json(tmp_path / CONFIG_FILE, read_json(tmp_path / CONFIG_FILE) | changes)
    with pytest.raises(CorruptIndex, match=r"config\.json"):
        load_features(tmp_path)
