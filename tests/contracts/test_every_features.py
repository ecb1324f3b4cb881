"""What all features of the catalog promise."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.arrays import is_sparse
from aesearch.catalog import FEATURES
from aesearch.errors import CorruptIndex, NotFitted, WrongKind
from aesearch.features.base import Features, load_features
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(params=[(name, kind) for name, entry in FEATURES.items() for kind in entry.kinds], ids="-".join)
def case(
    request: pytest.FixtureRequest,
    digit_folder: Path,
    documents: list[Item],
    vectors: np.ndarray,
    picture_model: Path,
    text_model: Path,
) -> tuple[Features, list[Item]]:
    name, kind = request.param
    models = {"images": picture_model, "documents": text_model}
    features = FEATURES[name].load()(*((kind, str(models[kind])) if name == "pretrained" else ()))
    some: dict[str, list[Item]] = {
        "documents": documents[:120],
        "images": list(read_files(digit_folder / "test" / "3")),
        "vectors": [Item(str(number), vector) for number, vector in enumerate(vectors[:50])],
    }
    return features, some[features.kind]


def dense(X: Any) -> np.ndarray:
    return X.toarray() if is_sparse(X) else X


def test_rows_are_those_of_the_items_one_by_one(case: tuple[Features, list[Item]]) -> None:
    features, items = case
    X = features.fit(items).transform(items)
    assert X.shape == (len(items), *features.shape)
    for number in (0, 3, len(items) - 1):
        np.testing.assert_array_equal(dense(features.transform([items[number]]))[0], dense(X)[number])


def test_no_items_are_no_rows(case: tuple[Features, list[Item]]) -> None:
    features, items = case
    assert features.fit(items).transform([]).shape == (0, *features.shape)


def test_saved_and_loaded_they_make_the_same_rows(case: tuple[Features, list[Item]], tmp_path: Path) -> None:
    features, items = case
    features.fit(items).save(tmp_path / "features")
    loaded = load_features(tmp_path / "features")
    assert loaded.get_params() == features.get_params()
    assert loaded.shape == features.shape
    np.testing.assert_array_equal(dense(loaded.transform(items)), dense(features.transform(items)))


def test_before_fitting_they_say_so(case: tuple[Features, list[Item]]) -> None:
    features, items = case
    with pytest.raises(NotFitted, match="fit"):
        features.transform(items)


def test_items_of_the_other_kind_are_refused_by_name(case: tuple[Features, list[Item]], digit_folder: Path) -> None:
    features, items = case
    other = next(iter(read_files(digit_folder / "test"))) if features.kind == "documents" else Item("other", "words")
    with pytest.raises(WrongKind, match=other.id):
        features.fit(items).transform([*items, other])


def test_a_missing_part_is_named(case: tuple[Features, list[Item]], tmp_path: Path) -> None:
    features, items = case
    features.fit(items).save(tmp_path)
    for path in sorted(tmp_path.iterdir()):
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(CorruptIndex, match=path.name):
            load_features(tmp_path)
        path.write_bytes(kept)
