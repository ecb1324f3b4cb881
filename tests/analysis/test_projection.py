import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from aesearch.analysis.codes import load_codes
from aesearch.analysis.projection import principal_components, project
from aesearch.errors import InvalidParameter, MissingExtra
from aesearch.index.retriever import Retriever
from aesearch.items import Item


@pytest.fixture(scope="module")
def items(digits: np.ndarray) -> list[Item]:
    return [Item(str(number), image[0]) for number, image in enumerate(digits[:50])]


def test_principal_components_equal_scikit_learn(digits: np.ndarray) -> None:
    X = digits.reshape(600, 64).astype(np.float64)
    components = principal_components(X)
    np.testing.assert_allclose(np.abs(components), np.abs(PCA(2, svd_solver="full").fit_transform(X)), atol=1e-6)


def test_principal_components_do_not_depend_on_order(digits: np.ndarray) -> None:
    X = digits.reshape(600, 64).astype(np.float64)
    np.testing.assert_allclose(principal_components(X[::-1])[::-1], principal_components(X), atol=1e-6)


@pytest.mark.slow
def test_t_sne_preserves_neighborhoods(digits: np.ndarray) -> None:
    items = [Item(str(number), image[0]) for number, image in enumerate(digits[:200])]
    index = Retriever.build(items, coder="pca-whitened", code_size=16)
    projection = project(index, "t-sne")
    codes = load_codes(index).codes
    in_codes, in_map = (
        NearestNeighbors(n_neighbors=11).fit(X).kneighbors(X)[1][:, 1:] for X in (codes, projection.coordinates)
    )
    shared = [len(set(a) & set(b)) / 10 for a, b in zip(in_codes.tolist(), in_map.tolist(), strict=True)]
    assert np.mean(shared) > 0.4  # of 10 neighbors among 200 items; chance would be 0.05


def test_t_sne_names_missing_extra(items: list[Item], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openTSNE", None)
    with pytest.raises(MissingExtra, match=r"aesearch\[maps\]"):
        project(Retriever.build(items, coder="pca", code_size=4), "t-sne")


def test_two_dimensional_codes_are_coordinates(items: list[Item]) -> None:
    index = Retriever.build(items, coder="pca", code_size=2)
    projection = project(index)
    assert projection.method == "codes"
    np.testing.assert_array_equal(projection.coordinates, load_codes(index).codes)


def test_other_codes_are_not_coordinates(items: list[Item]) -> None:
    index = Retriever.build(items, coder="pca", code_size=3)
    assert project(index).method == "pca"
    with pytest.raises(InvalidParameter, match="--by pca"):
        project(index, "codes")


def test_bits_are_projected(items: list[Item]) -> None:
    index = Retriever.build(items, coder="pca", code_size=16, bits=True)
    assert project(index).coordinates.shape == (50, 2)


def test_fewer_than_3_items_are_refused(items: list[Item]) -> None:
    with pytest.raises(InvalidParameter, match="at least 3"):
        project(Retriever.build(items[:2], coder="pca", code_size=1))
