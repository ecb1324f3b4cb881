"""Reranking: each formula equals its definition, and reranked queries find better hits."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_array
from sklearn.decomposition import TruncatedSVD

from aesearch.errors import InvalidParameter
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.search.reranking import (
    add_feedback,
    cosine_similarities,
    latent_projection,
    merge_views,
    normalize_rows,
    rerank,
    similarity,
    to_cosine_distances,
)
from aesearch.stores.base import NO_KEY


def test_latent_projection_equals_truncated_svd(bags: Any) -> None:
    candidates, query = bags[:200], bags[[300]]
    projection = latent_projection((candidates @ candidates.T).toarray())
    latent_candidates, latent_query = (candidates @ candidates.T) @ projection, (query @ candidates.T) @ projection
    svd = TruncatedSVD(20, algorithm="arpack", random_state=0).fit(candidates)
    expected = cosine_similarities(svd.transform(query), svd.transform(candidates))
    np.testing.assert_allclose(cosine_similarities(latent_query, latent_candidates), expected, atol=1e-3)


def test_feedback_adds_the_mean_of_the_best_to_the_query(bags: Any) -> None:
    candidates, query, best = normalize_rows(bags[:100]), normalize_rows(bags[[300]]), np.array([3, 50, 7])
    query_cosines = (candidates @ query.T).toarray()[:, 0]
    cosines = add_feedback(query_cosines, (candidates @ candidates.T).toarray(), best, 0.5)
    mean = candidates[best].toarray().sum(0)
    new_query = query.toarray()[0] + 0.5 * mean / np.linalg.norm(mean)
    np.testing.assert_allclose(cosines, candidates @ new_query / np.linalg.norm(new_query), atol=1e-5)


def test_feedback_finds_documents_without_query_terms(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]], np.float32)
    arguments = csr_array(np.array([[1, 0, 0, 0]], np.float32)), csr_array(terms), np.zeros(5, np.float32)
    scores = similarity(*arguments)
    monkeypatch.setattr("aesearch.search.reranking.add_feedback", lambda query_cosines, *_: query_cosines)
    scores_without_feedback = similarity(*arguments)
    # Document 2 shares no term with the query, but one with the documents that do.
    assert scores[0] > scores[2] > scores_without_feedback[2] + 0.05 > scores[3] + 0.1


def test_dense_features_are_centered() -> None:
    features = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32) + 7
    scores = similarity(features[[4]], features, np.zeros(30, np.float32))
    centered = features - features.mean(0)
    lengths = np.linalg.norm(centered, axis=1)
    np.testing.assert_allclose(scores, centered @ centered[4] / lengths / lengths[4] / 2, atol=1e-5)
    assert scores.argmax() == 4
    assert scores.min() < 0  # all would be near 0.5 if they were not centered


@pytest.mark.parametrize("metric", ["cosine", "hamming", "l2"])
def test_cosine_distances_preserve_zero_and_order(metric: Any) -> None:
    distances = np.array([[0, 1, 2, 8], [0, 0, 4, np.inf]], np.float32)
    scaled = to_cosine_distances(distances, metric, 8)
    assert (scaled[:, 0] == 0).all()
    assert np.isinf(scaled[1, 3])
    np.testing.assert_array_equal(np.argsort(scaled, kind="stable"), np.argsort(distances, kind="stable"))


def test_hamming_distance_of_all_bits_is_cosine_distance_2() -> None:
    np.testing.assert_allclose(to_cosine_distances(np.array([[0, 1, 2, 8]], np.float32), "hamming", 8), [[0, 0.25, 0.5, 2]])


def test_unreadable_items_come_last_in_their_order() -> None:
    keys = np.array([[10, 11, 12, 13, NO_KEY]])
    distances = np.array([[0.1, 0.2, 0.3, 0.4, np.inf]], np.float32)
    features = np.array([[1.0, 0], [0, 1]], np.float32)
    new_keys, new_distances = rerank(features[[1]], keys, distances, lambda keys: ([11, 13], features))
    assert new_keys.tolist() == [[13, 11, 10, 12, NO_KEY]]
    assert (np.diff(new_distances[0, :4]) > 0).all()
    assert new_distances[0, 2:4].tolist() == pytest.approx([2.1, 2.3])


def test_only_the_first_candidates_are_reranked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aesearch.search.reranking.MAX_CANDIDATES", 2)
    keys, distances = np.array([[5, 6, 7]]), np.array([[0.1, 0.2, 0.3]], np.float32)
    features = np.array([[1.0, 0], [0, 1]], np.float32)
    loaded: list[int] = []

    def load_features(keys: list[int]) -> tuple[list[int], np.ndarray]:
        loaded.extend(keys)
        return keys, features

    new_keys, new_distances = rerank(features[[1]], keys, distances, load_features)
    assert loaded == [5, 6]
    assert new_keys.tolist() == [[6, 5, 7]]
    assert new_distances[0, 2] == pytest.approx(2.3)


def test_merged_views_have_each_item_once_at_its_smallest_distance() -> None:
    rng = np.random.default_rng(1)
    keys = np.stack([rng.permutation(20)[:6] for _ in range(8)])
    distances = np.sort(rng.random((8, 6)).astype(np.float32), axis=1)
    merged_keys, merged_distances = merge_views(keys, distances, 4)
    for query, views in enumerate((slice(0, 4), slice(4, 8))):
        smallest: dict[int, float] = {}
        for key, distance in zip(keys[views].ravel().tolist(), distances[views].ravel().tolist(), strict=True):
            smallest[key] = min(distance, smallest.get(key, np.inf))
        expected = sorted(smallest, key=lambda key: smallest[key])[:6]
        assert merged_keys[query].tolist() == expected
        assert merged_distances[query].tolist() == [smallest[key] for key in expected]


def test_merged_views_are_padded() -> None:
    keys = np.array([[3, NO_KEY], [3, NO_KEY]])
    distances = np.array([[0.5, np.inf], [0.25, np.inf]], np.float32)
    merged_keys, merged_distances = merge_views(keys, distances, 2)
    assert merged_keys.tolist() == [[3, NO_KEY]]
    assert merged_distances.tolist() == [[0.25, np.inf]]


@pytest.fixture(scope="module")
def retriever(documentation_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    """Return an index of documentation with codes of 16 bits."""
    folder = tmp_path_factory.mktemp("index")
    Retriever.build(documentation_folder / "train", coder="lsa", code_size=16, bits=True).save(folder)
    return Retriever.load(folder)


def test_reranked_hits_share_more_terms_with_short_queries(retriever: Retriever) -> None:
    queries = [
        "regular expression match groups",
        "socket timeout in seconds",
        "compress bytes zlib level",
        "xml element tree",
    ]

    def mean_shared_terms(rerank: bool) -> float:
        counts = []
        for query, hits in zip(queries, retriever.query_many(queries, k=10, mode="semantic", rerank=rerank), strict=True):
            texts = [Path(hit.path or "").read_text().lower() for hit in hits]
            counts += [len(set(query.split()) & set(text.split())) for text in texts]
        return float(np.mean(counts))

    assert mean_shared_terms(True) > 1.3 * mean_shared_terms(False)


def test_reranked_item_is_its_own_nearest_at_distance_0(retriever: Retriever) -> None:
    row = next(retriever.ledger.all_rows())
    hit = retriever.query(Path(retriever.resolve_path(row) or ""), k=1, rerank=True)[0]
    assert (hit.id, hit.distance) == (row.id, pytest.approx(0, abs=1e-3))


def test_hits_beyond_the_candidates_are_returned(retriever: Retriever) -> None:
    hits = retriever.query("socket", k=len(retriever), rerank=True)
    assert len({hit.id for hit in hits}) == len(hits) == len(retriever)
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)


def test_documents_in_memory_are_reranked_by_their_stored_texts(documents: list[Item]) -> None:
    retriever = Retriever.build(documents[:50], coder="lsa", code_size=8)
    hits = retriever.query(documents[7], rerank=True)
    assert (hits[0].id, hits[0].distance) == (documents[7].id, pytest.approx(0, abs=1e-3))


def test_augmented_query_finds_rotated_and_mirrored_images(digit_folder: Path) -> None:
    retriever = Retriever.build(digit_folder / "test", coder="pca", code_size=16)
    paths = sorted((digit_folder / "test").rglob("*.png"))[::40]
    for transpose in Image.Transpose:
        queries = [Image.open(path).transpose(transpose) for path in paths]
        hits = [hits[0] for hits in retriever.query_many(queries, k=1, augment=True)]
        assert [Path(hit.path or "") for hit in hits] == paths
        assert max(hit.distance for hit in hits) < 1e-3
    reranked = retriever.query_many(queries, k=1, rerank=True, augment=True)
    assert [Path(hits[0].path or "") for hits in reranked] == paths


def test_augmented_query_needs_images(retriever: Retriever) -> None:
    with pytest.raises(InvalidParameter, match="cannot rotate or flip"):
        retriever.query("words", augment=True)
