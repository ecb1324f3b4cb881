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
    cosine_similarities,
    latent_projection,
    similarity,
    merge_views,
    rerank,
    to_cosine_distances,
    normalize_rows,
    add_feedback,
)
from aesearch.stores.base import NO_KEY


def test_the_local_latent_space_is_the_truncated_svd_of_the_candidates(bags: Any) -> None:
    candidates, query = bags[:200], bags[[300]]
    to_latent = latent_projection((candidates @ candidates.T).toarray())
    places, asked = (candidates @ candidates.T) @ to_latent, (query @ candidates.T) @ to_latent
    fitted = TruncatedSVD(20, algorithm="arpack", random_state=0).fit(candidates)
    expected = cosine_similarities(fitted.transform(query), fitted.transform(candidates))
    np.testing.assert_allclose(cosine_similarities(asked, places), expected, atol=1e-3)


def test_feedback_is_the_query_and_the_mean_direction_of_the_best(bags: Any) -> None:
    candidates, query, best = normalize_rows(bags[:100]), normalize_rows(bags[[300]]), np.array([3, 50, 7])
    found = add_feedback((candidates @ query.T).toarray()[:, 0], (candidates @ candidates.T).toarray(), best, 0.5)
    mean = candidates[best].toarray().sum(0)
    asked = query.toarray()[0] + 0.5 * mean / np.linalg.norm(mean)
    np.testing.assert_allclose(found, candidates @ asked / np.linalg.norm(asked), atol=1e-5)


def test_feedback_finds_what_shares_no_word_with_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    words = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1]], np.float32)
    asked = csr_array(np.array([[1, 0, 0, 0]], np.float32)), csr_array(words), np.zeros(5, np.float32)
    found = similarity(*asked)
    monkeypatch.setattr("aesearch.search.reranking.with_feedback", lambda shared, *_, **__: shared)
    without = similarity(*asked)
    assert found[0] > found[2] > without[2] + 0.05 > found[3] + 0.1


def test_dense_rows_are_compared_less_their_mean() -> None:
    rows = np.random.default_rng(0).standard_normal((30, 5)).astype(np.float32) + 7
    found = similarity(rows[[4]], rows, np.zeros(30, np.float32)) * 2
    centered = rows - rows.mean(0)
    np.testing.assert_allclose(
        found, centered @ centered[4] / np.linalg.norm(centered, axis=1) / np.linalg.norm(centered[4]), atol=1e-5
    )
    assert found.argmax() == 4
    assert found.min() < 0  # uncentered, all would be near 1


def test_every_metric_comes_to_0_for_none_and_keeps_its_order() -> None:
    far = np.array([[0, 1, 2, 8], [0, 0, 4, np.inf]], np.float32)
    for metric in ("cosine", "hamming", "l2"):
        cosine_similarities = to_cosine_distances(far, metric, 8)  # type: ignore[arg-type]
        assert (cosine_similarities[:, 0] == 0).all()
        assert (np.argsort(cosine_similarities, kind="stable") == np.argsort(far, kind="stable")).all()
    np.testing.assert_allclose(to_cosine_distances(far[:1], "hamming", 8), [[0, 0.25, 0.5, 2]])


def test_what_cannot_be_read_again_comes_after_the_others_in_its_old_order() -> None:
    keys = np.array([[10, 11, 12, 13, NO_KEY]])
    far = np.array([[0.1, 0.2, 0.3, 0.4, np.inf]], np.float32)
    rows = np.array([[1.0, 0], [0, 1]], np.float32)
    order, distances = rerank(rows[[1]], keys, far, lambda asked: ([11, 13], rows))
    assert order.tolist() == [[13, 11, 10, 12, NO_KEY]]
    assert (np.diff(distances[0, :4]) > 0).all()
    assert distances[0, 2:4].tolist() == pytest.approx([2.1, 2.3])


def test_answers_to_several_views_become_one_with_every_item_once() -> None:
    generator = np.random.default_rng(1)
    keys = np.stack([generator.permutation(20)[:6] for _ in range(8)])
    far = np.sort(generator.random((8, 6)).astype(np.float32), axis=1)
    near, distances = merge_views(keys, far, 4)
    for number in range(2):
        least: dict[int, float] = {}
        for key, distance in zip(
            keys[4 * number : 4 * number + 4].ravel(), far[4 * number : 4 * number + 4].ravel(), strict=True
        ):
            least[key] = min(distance, least.get(key, 9))
        expected = sorted(least, key=lambda key: least[key])[:6]
        assert near[number].tolist() == expected
        np.testing.assert_array_equal(distances[number], [least[key] for key in expected])


@pytest.fixture(scope="module")
def questions(documentation_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Retriever:
    folder = tmp_path_factory.mktemp("index")
    Retriever.build(documentation_folder / "train", code_size=16, bits=True, epochs=3).save(folder)
    return Retriever.load(folder)


def test_a_few_words_find_the_documents_that_hold_them_better(questions: Retriever) -> None:
    asked = [
        "regular expression match groups",
        "socket timeout in seconds",
        "compress bytes zlib level",
        "xml element tree",
    ]
    words = [set(one.split()) for one in asked]

    def shared(rerank: bool) -> float:
        found = questions.query_many(asked, k=10, rerank=rerank)
        texts = [[set(Path(hit.path or "").read_text().lower().split()) for hit in hits] for hits in found]
        return float(np.mean([len(wanted & text) for wanted, hits in zip(words, texts, strict=True) for text in hits]))

    assert shared(True) > 1.3 * shared(False)


def test_reranked_an_item_is_its_own_nearest_at_no_distance(questions: Retriever) -> None:
    row = next(questions.ledger.all_rows())
    path = Path(questions.resolve_path(row) or "")
    hit = questions.query(path, k=1, rerank=True)[0]
    assert (hit.id, hit.distance) == (row.id, pytest.approx(0, abs=1e-3))


def test_more_than_the_candidates_are_answered_too(questions: Retriever) -> None:
    hits = questions.query("socket", k=len(questions), rerank=True)
    assert len({hit.id for hit in hits}) == len(hits) == len(questions)
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)


def test_items_made_in_memory_cannot_be_read_again(documents: list[Item]) -> None:
    index = Retriever.build(documents[:50], coder="lsa", code_size=8)
    with pytest.raises(InvalidParameter, match="made in memory"):
        index.query(str(documents[0].content), rerank=True)


def test_turned_pictures_are_found_if_they_are_asked_for(digit_folder: Path, questions: Retriever) -> None:
    index = Retriever.build(digit_folder / "test", coder="pca", code_size=16)
    paths = sorted((digit_folder / "test").rglob("*.png"))[::40]
    for turn in Image.Transpose:
        turned = [Image.open(path).transpose(turn) for path in paths]
        found = index.query_many(turned, k=1, augment=True)
        assert [Path(hits[0].path or "") for hits in found] == paths
        assert max(hits[0].distance for hits in found) < 1e-3
    reranked = index.query_many(
        [Image.open(path).transpose(Image.Transpose.ROTATE_90) for path in paths], 1, rerank=True, augment=True
    )
    assert [Path(hits[0].path or "") for hits in reranked] == paths
    with pytest.raises(InvalidParameter, match="only pictures can be turned"):
        questions.query("words", augment=True)
