"""Maps keep what they promise to keep; groups are what k-means finds; both say what they cannot do."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import NearestNeighbors

from aesearch.analysis.clusters import clusters
from aesearch.analysis.maps import principal, project
from aesearch.analysis.neighborhoods import everything
from aesearch.errors import InvalidParameter, WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Item


def test_principal_components_are_scikit_learns(digits: np.ndarray) -> None:
    X = digits.reshape(600, 64).astype(np.float64)
    ours, theirs = principal(X), PCA(2, svd_solver="full").fit_transform(X)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-6)
    np.testing.assert_allclose(principal(X[::-1])[::-1], ours, atol=1e-6)  # the order decides no sign


def test_t_sne_keeps_neighbors_together(digit_folder: Path) -> None:
    index = Retriever.build(digit_folder / "test", coder="pca-whitened", code_size=16)
    map_ = project(index, "t-sne")
    codes = everything(index).codes
    near, seen = (NearestNeighbors(n_neighbors=11).fit(X).kneighbors(X)[1][:, 1:] for X in (codes, map_.places))
    kept = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(near.tolist(), seen.tolist(), strict=True)])
    assert kept > 0.4  # of 10 neighbors among hundreds; chance would keep 0.03


def test_codes_of_two_numbers_are_a_map_themselves_and_others_are_not(digits: np.ndarray) -> None:
    items = [Item(str(number), row[0]) for number, row in enumerate(digits[:50])]
    index = Retriever.build(items, coder="pca", code_size=2)
    map_ = project(index)
    assert map_.by == "codes"
    np.testing.assert_array_equal(map_.places, everything(index).codes)
    with pytest.raises(InvalidParameter, match="--by pca"):
        project(Retriever.build(items, coder="pca", code_size=3), "codes")
    with pytest.raises(InvalidParameter, match="at least 3"):
        project(Retriever.build(items[:2], coder="pca", code_size=1))


def test_bits_are_mapped_and_grouped_and_raw_words_are_refused(digits: np.ndarray, documents: list[Item]) -> None:
    items = [Item(str(number), row[0]) for number, row in enumerate(digits[:50])]
    bits = Retriever.build(items, coder="pca", code_size=16, bits=True)
    assert set(np.unique(everything(bits).codes)) == {-1, 1}
    assert project(bits).places.shape == (50, 2)
    assert sum(each.size for each in clusters(bits, 3)) == 50
    with pytest.raises(WrongKind, match="another"):
        clusters(Retriever.build(documents[:50], coder="raw"), 3)


def test_groups_are_those_of_k_means(digit_folder: Path) -> None:
    index = Retriever.build(digit_folder / "test", coder="pca-whitened", code_size=16)
    known = everything(index)
    found = clusters(index, 10)
    assert [each.size for each in found] == sorted((each.size for each in found), reverse=True)
    group_of = {id: number for number, each in enumerate(found) for id in each.members}
    ours = [group_of[row.id] for row in known.rows]
    theirs = KMeans(10, n_init=4, random_state=0).fit(known.codes)
    assert adjusted_rand_score(ours, theirs.labels_) == 1
    for each in found:
        assert set(each.typical) <= set(each.members)
        assert sum(each.labels.values()) == each.size == len(each.members)


SUBJECTS = {
    "sea": "ship sail wave harbour anchor",
    "garden": "rose soil seed spade tulip",
    "bread": "dough oven flour yeast crust",
}


@pytest.fixture
def subjects(tmp_path: Path) -> Path:
    """A folder of 15 texts of each subject."""
    draw = np.random.default_rng(0)
    for name, words in SUBJECTS.items():
        for number in range(15):
            text = " ".join(draw.choice(words.split(), 12)) + " the day"
            (tmp_path / f"{name}-{number:02}.txt").write_text(text)
    return tmp_path


def test_the_number_of_groups_is_found(subjects: Path) -> None:
    assert len(clusters(Retriever.build(subjects, coder="lsa", code_size=4))) == 3


@pytest.mark.parametrize(
    ("coder", "bits", "training"),
    [
        ("lsa", False, {}),
        ("neighbors", False, {"epochs": 2, "steps": 50}),
        ("neighbors", True, {"epochs": 2, "steps": 50}),
    ],
)
def test_telling_words_tell_by_tf_idf_and_by_the_decoder(
    coder: str, bits: bool, training: dict[str, int], subjects: Path
) -> None:
    found = clusters(Retriever.build(subjects, coder=coder, code_size=16, bits=bits, **training), 3, decoded=True)
    for each in found:
        [subject] = {id.partition("-")[0] for id in each.members}
        assert set(each.words[:5]) == set(SUBJECTS[subject].split())
        assert set(each.decoded[:5]) == set(each.words[:5])  # type: ignore[index]


def test_decoded_words_are_largely_those_of_tf_idf_and_take_the_decoder(document_index: Path) -> None:
    found = clusters(Retriever.load(document_index, encoder_only=False), 8, decoded=True)
    lightly = clusters(Retriever.load(document_index), 8)
    assert [each.words for each in lightly] == [each.words for each in found]
    assert all(each.decoded is None for each in lightly)
    shared = [len(set(each.words) & set(each.decoded or ())) for each in found]
    assert np.mean(shared) > 3  # of 8 words among thousands
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        clusters(Retriever.load(document_index), 8, decoded=True)


def test_words_are_not_decoded_of_pictures(digits: np.ndarray) -> None:
    index = Retriever.build([Item(str(number), row[0]) for number, row in enumerate(digits[:20])], coder="pca", code_size=2)
    with pytest.raises(WrongKind, match="words are decoded of documents"):
        clusters(index, 2, decoded=True)


def test_more_groups_than_items_are_refused(digits: np.ndarray) -> None:
    index = Retriever.build([Item(str(number), row[0]) for number, row in enumerate(digits[:5])], coder="pca", code_size=2)
    with pytest.raises(InvalidParameter, match="1 to 5"):
        clusters(index, 6)
