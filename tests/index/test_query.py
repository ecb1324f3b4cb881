"""A query may be a text, a path, an image, an array or an item, and its hits describe the items found."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from sklearn.datasets import load_sample_image

from aesearch.errors import InvalidParameter, NoItems, NoKnownTerms, WrongKind
from aesearch.index.retriever import Retriever
from aesearch.items import Hit, Item
from aesearch.readers.folder import read_files

TWELVE_TEXTS = [Item(str(number), f"word{number} common") for number in range(12)]


def ids(hits: list[Hit]) -> list[str]:
    return [hit.id for hit in hits]


def ids_and_distances(hits: list[Hit]) -> list[tuple[str, float]]:
    return [(hit.id, round(hit.distance, 4)) for hit in hits]


@pytest.fixture(scope="module")
def images(image_index: Path) -> Retriever:
    return Retriever.load(image_index)


@pytest.fixture
def documents(notes_index: Path) -> Retriever:
    return Retriever.load(notes_index)


def test_image_can_be_given_in_several_forms(images: Retriever, image_folder: Path) -> None:
    path = image_folder / "3" / "003.png"
    with Image.open(path) as image:
        queries: list[Any] = [path, str(path), image, np.asarray(image), Item("x", image), images.read_query(path)]
        results = [ids_and_distances(images.query(query)) for query in queries]
    assert results == [results[0]] * len(queries)
    assert results[0][0] == ("3/003.png", 0)
    assert len(results[0]) == 10


def test_str_is_text_and_path_is_file_for_documents(documents: Retriever, tmp_path: Path) -> None:
    text = "wait until the thread terminates"
    (tmp_path / "query.txt").write_text(text)
    assert ids_and_distances(documents.query(text)) == ids_and_distances(documents.query(tmp_path / "query.txt"))


def test_hit_describes_its_item(documents: Retriever, notes: Path) -> None:
    (hit,) = documents.query((notes / "networks" / "07.txt").read_text(), k=1)
    assert (hit.rank, hit.id, hit.label) == (1, "networks/07.txt", "networks")
    assert hit.path == str(notes.resolve() / hit.id)
    assert hit.excerpt == Path(hit.path).read_text()[:100]
    assert hit.distance == pytest.approx(0, abs=1e-5)


def test_hits_are_ordered_and_of_the_topic(documents: Retriever) -> None:
    hits = documents.query("a server and a client listen on a port of a socket")
    assert [hit.rank for hit in hits] == list(range(1, 11))
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.label for hit in hits} == {"networks"}
    by_codes = documents.query("a server and a client listen on a port of a socket", mode="semantic")
    assert [hit.distance for hit in by_codes] == sorted(hit.distance for hit in by_codes)


@pytest.mark.parametrize("k", [1, 7, 100])
def test_query_returns_k_hits_or_all_items(k: int) -> None:
    assert len(Retriever.build(TWELVE_TEXTS, coder="raw").query("common", k=k)) == min(k, 12)


def test_query_many_returns_same_hits_as_query(documents: Retriever) -> None:
    queries = ["a socket", "a thread", "a file"]
    found = [ids_and_distances(hits) for hits in documents.query_many(queries, k=5)]
    assert found == [ids_and_distances(documents.query(query, k=5)) for query in queries]
    assert documents.query_many([]) == []


@pytest.mark.parametrize("rerank", [False, True])
@pytest.mark.parametrize("coder", ["raw", "lsa"])
def test_query_without_known_terms_has_no_hits(coder: str, rerank: bool, notes: Path) -> None:
    documents = Retriever.build(notes, coder=coder)
    reason = "no term of" if rerank else "no document contains any of these words: "
    with pytest.raises(NoKnownTerms, match=f'{reason}.*"qqqq zzzz"'):
        documents.query("qqqq zzzz", rerank=rerank)
    nothing, hits, also_nothing = documents.query_many(["qqqq", "a thread", "zzzz"], k=3, rerank=rerank)
    assert (nothing, also_nothing) == ([], [])
    assert ids_and_distances(hits) == ids_and_distances(documents.query("a thread", k=3, rerank=rerank))
    assert documents.query_many(["qqqq"], rerank=rerank) == [[]]


def test_encoder_on_its_own_accepts_query_without_known_terms(notes: Path, tmp_path: Path) -> None:
    Retriever.build(notes, coder="dense", code_size=8, epochs=1, device="cpu").save(tmp_path / "dense")
    for encoder_only in (True, False):
        assert Retriever.load(tmp_path / "dense", encoder_only=encoder_only).query_many(["qqqq"]) == [[]]


def test_range_query_returns_all_items_within_distance(documents: Retriever) -> None:
    (all_hits,) = documents.query_many(["a thread"], k=60, mode="semantic")
    limit = all_hits[20].distance
    hits = documents.range_query("a thread", limit)
    assert hits == [hit for hit in all_hits if hit.distance <= limit]
    assert len(hits) >= 20
    with pytest.raises(NoKnownTerms):
        documents.range_query("qqqq", 1)


def test_range_query_of_bits_counts_differing_bits(notes: Path) -> None:
    documents = Retriever.build(notes, coder="lsa", code_size=16, bits=True)
    hits = documents.range_query((notes / "files" / "00.txt").read_text(), 2)
    assert hits[0].distance == 0
    assert all(hit.distance in (0, 1, 2) for hit in hits)


def test_reranking_uses_the_whole_text(notes: Path) -> None:
    (notes / "threads" / "00.txt").write_text("thread lock wait semaphore")
    documents = Retriever.build(notes, coder="lsa", code_size=2)
    hits = documents.query("semaphore", k=60, rerank=True)
    assert hits[0].id == "threads/00.txt"
    assert {hit.id for hit in hits} == {row.id for row in documents.ledger.all_rows()}


def test_reranking_leaves_unreadable_items_at_the_end(documents: Retriever, notes: Path) -> None:
    (notes / "threads" / "00.txt").unlink()
    hits = documents.query("a thread", k=60, rerank=True)
    assert hits[-1].id == "threads/00.txt"
    assert hits[-1].distance > 2


def test_reranking_does_not_confuse_rows_of_two_tables(tmp_path: Path) -> None:
    for name, numbers in (("mine", range(20)), ("other", reversed(range(20)))):
        rows = [{"id": str(id), "text": f"word{number} word{number + 1} common"} for id, number in enumerate(numbers)]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    documents = Retriever.build(tmp_path / "mine.jsonl", coder="lsa", code_size=8)
    other = tmp_path / "other.jsonl"
    documents.add(Item(f"{other}#{item.id}", item.content, path=str(other)) for item in read_files(other))
    for id in range(20):
        hits = documents.query(f"word{id} word{id + 1} common", k=40, rerank=True)
        assert {hit.id for hit in hits[:2]} == {str(id), f"{other}#{19 - id}"}
        assert hits[1].distance == pytest.approx(0, abs=1e-4)


def test_images_in_memory_cannot_be_reranked() -> None:
    images = [Item(str(value), np.full((8, 8), value, np.uint8)) for value in range(12)]
    with pytest.raises(InvalidParameter, match="created in memory"):
        Retriever.build(images, coder="raw").query(images[0], rerank=True)


@pytest.mark.parametrize("rerank", [False, True])
def test_augmented_query_finds_rotated_image(images: Retriever, image_folder: Path, rerank: bool) -> None:
    with Image.open(image_folder / "3" / "003.png") as image:
        rotated = image.transpose(Image.Transpose.ROTATE_90)
    hits = images.query(rotated, k=20, rerank=rerank, augment=True)
    assert hits[0].id == "3/003.png"
    assert hits[0].distance == pytest.approx(0, abs=1e-3)
    assert len(set(ids(hits))) == 20
    both = images.query_many([rotated, image_folder / "0" / "000.png"], k=20, rerank=rerank, augment=True)
    assert ids(both[0]) == ids(hits)
    assert both[1][0].id == "0/000.png"


def test_code_that_is_not_finite_is_refused_with_remedy(notes_index: Path) -> None:
    retriever = Retriever.load(notes_index)
    retriever.coder.components[:] = np.nan  # type: ignore[attr-defined]  # as if the coder were damaged
    for query in (lambda: retriever.query("a thread"), lambda: retriever.range_query("a thread", 1.0)):
        with pytest.raises(InvalidParameter, match=r"not finite.*; .*aesearch verify") as caught:
            query()
        assert str(notes_index) in str(caught.value)


def test_only_images_can_be_augmented(documents: Retriever) -> None:
    with pytest.raises(InvalidParameter, match=r"an index of documents; leave out augment \(--augment\)"):
        documents.query("a thread", augment=True)


def test_impossible_query_is_refused_in_one_sentence(
    images: Retriever, documents: Retriever, image_folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(WrongKind, match="with an index of documents: it holds images; use another index"):
        documents.query(image_folder / "3" / "003.png")
    with pytest.raises(WrongKind, match='features "pixels" process images'):
        images.query(Item("a", "a text"))
    with pytest.raises(NoItems, match="check the spelling"):
        images.query("nowhere.png")
    with pytest.raises(NoItems, match="is a folder; query with one file"):
        images.query(image_folder)
    with pytest.raises(InvalidParameter, match="k is 0"):
        documents.query("thread", k=0)
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(NoItems, match=r"cannot read .*broken\.png: .*image"):
        images.query(tmp_path / "broken.png")
    (tmp_path / "two.jsonl").write_text('{"text": "a thread"}\n{"text": "a lock"}\n')
    with pytest.raises(NoItems, match="more than one item"):
        documents.query(tmp_path / "two.jsonl")


def test_copies_of_photo_are_found_first(tmp_path: Path) -> None:
    photo = load_sample_image("china.jpg")
    for number in range(12):
        y, x = 140 * (number // 4), 150 * (number % 4)
        Image.fromarray(photo[y : y + 140, x : x + 150]).save(tmp_path / f"{number:02}.png")
    retriever = Retriever.build(tmp_path, coder="pca", code_size=4)
    with Image.open(tmp_path / "05.png") as image:
        edited = ImageEnhance.Brightness(image.transpose(Image.Transpose.ROTATE_90).crop((10, 10, 140, 140))).enhance(0.7)
    hits = retriever.query(edited, k=3, copies=True)
    assert hits[0].id == "05.png"
    assert hits[0].distance < 0.1 < hits[1].distance
    assert [hit.distance for hit in hits] == sorted(hit.distance for hit in hits)


def test_copies_of_documents_are_refused(documents: Retriever) -> None:
    with pytest.raises(InvalidParameter, match=r"an index of documents: only images .*\(--copies\)"):
        documents.query("a thread", copies=True)
