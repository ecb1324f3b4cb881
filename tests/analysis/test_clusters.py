from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from aesearch.analysis.clusters import cluster_items
from aesearch.analysis.codes import load_codes
from aesearch.errors import InvalidParameter, WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Item

SUBJECTS = {
    "sea": "ship sail wave harbor anchor",
    "garden": "rose soil seed spade tulip",
    "bread": "dough oven flour yeast crust",
}


@pytest.fixture(scope="module")
def subject_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 15 texts on each subject, and return their folder."""
    folder = tmp_path_factory.mktemp("subjects")
    rng = np.random.default_rng(0)
    for subject, terms in SUBJECTS.items():
        for number in range(15):
            text = " ".join(rng.choice(terms.split(), 12)) + " the day"
            (folder / f"{subject}-{number:02}.txt").write_text(text)
    return folder


@pytest.fixture(scope="module")
def digit_items(digits: np.ndarray) -> list[Item]:
    return [Item(str(number), image[0]) for number, image in enumerate(digits[:50])]


@pytest.fixture(scope="module")
def small_index(digit_items: list[Item]) -> Retriever:
    return Retriever.build(digit_items[:5], coder="pca", code_size=2)


def test_clusters_equal_k_means(whitened_index: Retriever) -> None:
    index = load_codes(whitened_index)
    clusters = cluster_items(whitened_index, 10)
    assert [cluster.size for cluster in clusters] == sorted((cluster.size for cluster in clusters), reverse=True)
    cluster_of = {id: number for number, cluster in enumerate(clusters) for id in cluster.members}
    expected = KMeans(10, n_init=4, random_state=0).fit(index.codes)
    assert adjusted_rand_score([cluster_of[row.id] for row in index.rows], expected.labels_) == 1
    for cluster in clusters:
        assert set(cluster.representatives) <= set(cluster.members)
        assert sum(cluster.labels.values()) == cluster.size == len(cluster.members)


def test_bits_are_clustered(digit_items: list[Item]) -> None:
    index = Retriever.build(digit_items, coder="pca", code_size=16, bits=True)
    assert sum(cluster.size for cluster in cluster_items(index, 3)) == 50


def test_number_of_clusters_is_found(subject_folder: Path) -> None:
    assert len(cluster_items(Retriever.build(subject_folder, coder="lsa", code_size=4))) == 3


@pytest.mark.parametrize(
    ("coder", "bits", "params"),
    [
        ("lsa", False, {}),
        ("neighbors", True, {"rounds": 2, "first_steps": 150, "steps_per_round": 150}),
        pytest.param("neighbors", False, {"rounds": 2, "first_steps": 150, "steps_per_round": 150}, marks=pytest.mark.slow),
    ],
)
def test_terms_describe_subject_of_cluster(coder: str, bits: bool, params: dict[str, int], subject_folder: Path) -> None:
    index = Retriever.build(subject_folder, coder=coder, code_size=16, bits=bits, **params)
    for cluster in cluster_items(index, 3, decode_terms=True):
        [subject] = {id.partition("-")[0] for id in cluster.members}
        assert set(cluster.terms[:5]) == set(SUBJECTS[subject].split())
        assert set((cluster.decoded_terms or [])[:5]) == set(cluster.terms[:5])


def test_decoded_terms_resemble_terms(document_index: Path) -> None:
    clusters = cluster_items(Retriever.load(document_index, encoder_only=False), 8, decode_terms=True)
    shared = [len(set(cluster.terms) & set(cluster.decoded_terms or ())) for cluster in clusters]
    assert np.mean(shared) > 2  # of 8 terms among thousands


def test_decoded_terms_need_decoder(document_index: Path) -> None:
    index = Retriever.load(document_index)
    assert {cluster.decoded_terms for cluster in cluster_items(index, 2)} == {None}
    with pytest.raises(InvalidParameter, match="encoder_only=False"):
        cluster_items(index, 2, decode_terms=True)


def test_decoded_terms_need_documents(small_index: Retriever) -> None:
    with pytest.raises(WrongKind, match="cannot decode terms: this index encodes images"):
        cluster_items(small_index, 2, decode_terms=True)


def test_more_clusters_than_items_are_refused(small_index: Retriever) -> None:
    with pytest.raises(InvalidParameter, match="1 to 5"):
        cluster_items(small_index, 6)


def test_too_few_items_to_choose_number_are_refused(digit_items: list[Item]) -> None:
    with pytest.raises(InvalidParameter, match="too few"):
        cluster_items(Retriever.build(digit_items[:2], coder="pca", code_size=1))
