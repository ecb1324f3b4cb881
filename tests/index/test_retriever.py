"""The public API: build, query, save and load, and errors that say what to do."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aesearch
from aesearch import Item, NoItems, Retriever, UnknownName
from aesearch.coders.linear import LSA
from aesearch.errors import InvalidParameter, WrongKind
from aesearch.readers.folder import read_files


def test_retriever_and_readers_are_public() -> None:
    assert {"Retriever", "Item", "Hit", "read_files", "Progress"} <= set(dir(aesearch))


def test_indexed_image_is_its_own_nearest_neighbor(image_index: Path, image_folder: Path) -> None:
    retriever = Retriever.load(image_index)
    items = list(read_files(image_folder))
    for item, hits in zip(items, retriever.query_many(items, k=3), strict=True):
        assert item.id in [hit.id for hit in hits if hit.distance < 1e-4]
        assert [hit.rank for hit in hits] == [1, 2, 3]
        assert hits[0].distance <= hits[1].distance <= hits[2].distance


@pytest.mark.parametrize("bits", [False, True])
@pytest.mark.parametrize("coder", ["lsa", "dense"])
def test_indexed_document_is_its_own_nearest_neighbor(coder: str, bits: bool, notes: Path) -> None:
    params = {"epochs": 2, "device": "cpu"} if coder == "dense" else {}
    retriever = Retriever.build(notes, coder=coder, code_size=16, bits=bits, **params)
    for item in read_files(notes):
        assert item.id in [hit.id for hit in retriever.query(item, k=60) if hit.distance < 1e-4]


def test_indexed_vector_is_its_own_nearest_neighbor(vectors: np.ndarray) -> None:
    items = [Item(str(number), vector) for number, vector in enumerate(vectors[:50])]
    retriever = Retriever.build(items, coder="pca", code_size=8)
    assert [hits[0].id for hits in retriever.query_many(list(vectors[:50]), k=1)] == [item.id for item in items]


def test_path_can_be_a_str(notes: Path, tmp_path: Path) -> None:
    retriever = Retriever.build(str(notes), coder="lsa", code_size=8)
    retriever.save(str(tmp_path / "index"))
    assert len(Retriever.load(str(tmp_path / "index"))) == 60


def test_existing_coder_is_fitted(notes: Path) -> None:
    coder = LSA(4)
    assert Retriever.build(notes, coder=coder).coder is coder
    assert coder.shape is not None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"coder": LSA(2), "code_size": 99}, InvalidParameter, "cannot set code_size of an existing coder"),
        ({"coder": LSA(2), "epcohs": 3}, InvalidParameter, "cannot set epcohs of an existing coder"),
        ({"coder": "lsa", "epcohs": 3}, InvalidParameter, 'coder "lsa" has no parameter "epcohs"'),
        ({"coder": "lasa"}, UnknownName, 'did you mean "lsa"'),
        ({"coder": "pca"}, WrongKind, "choose from"),
        ({"store": "falt"}, UnknownName, 'did you mean "flat"'),
    ],
)
def test_unknown_keyword_is_refused(arguments: dict[str, Any], error: type[Exception], message: str, notes: Path) -> None:
    with pytest.raises(error, match=message):
        Retriever.build(notes, **arguments)


@pytest.mark.parametrize("store", [None, "flat"])
def test_store_can_be_chosen(store: str | None, notes: Path) -> None:
    retriever = Retriever.build(notes, coder="lsa", code_size=8, store=store)
    assert retriever.info()["store"] == "flat"


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoItems, match="holds no images, documents or vectors"):
        Retriever.build(tmp_path)


def test_repr_names_items_and_coder(notes_index: Path) -> None:
    assert repr(Retriever.load(notes_index)) == "<Retriever: 60 documents, coder lsa, code size 16>"


@pytest.mark.parametrize("is_saved", [False, True])
def test_info_describes_the_index(is_saved: bool, notes: Path, tmp_path: Path) -> None:
    (notes / "empty.txt").write_text("")
    retriever = Retriever.build(notes, coder="lsa", code_size=16, bits=True)
    retriever.add([Item("memo", "a thread")])
    if is_saved:
        retriever.save(tmp_path / "index")
    info = retriever.info()
    assert json.loads(json.dumps(info)).keys() == info.keys()
    sizes = [path.stat().st_size for path in (tmp_path / "index").rglob("*") if path.is_file()]
    expected = {
        "index": str((tmp_path / "index").resolve()) if is_saved else None,
        "kind": "documents",
        "items": 61,
        "added_since_training": 1,
        "skipped": 1,
        "source": str(notes.resolve()),
        "features": "bag-of-words",
        "coder": "lsa",
        "params": {"code_size": 16, "seed": 0},
        "bits": True,
        "code_size": 16,
        "store": "flat",
        "bytes_per_item": 2,
        "metric": "hamming",
        "warnings": [],
        "epochs": [],
        "bytes_on_disk": sum(sizes),
    }
    assert {key: info[key] for key in expected} == expected


def test_items_and_hits_of_a_search_can_be_combined(notes_index: Path, notes: Path) -> None:
    retriever = Retriever.load(notes_index)
    item = retriever.read_query(notes / "threads" / "00.txt")
    codes = retriever.coder.encode(retriever.featurize([item]))
    assert retriever.make_hits(*retriever.store.search(codes, 5)) == retriever.query_many([item], k=5, mode="semantic")
    assert [item.id for item in retriever.read_items(notes / "threads")][:2] == ["00.txt", "01.txt"]
