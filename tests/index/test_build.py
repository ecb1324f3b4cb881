"""A build reads each file once, trains on a sample and encodes everything."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.pixels import Pixels
from aesearch.index import build
from aesearch.index.build import Batching, build_index, novelty_threshold, spread_sample
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import Progress
from aesearch.index.retriever import Retriever
from aesearch.items import Item, Skip, SkipCategory
from aesearch.readers.folder import read_files
from aesearch.stores.flat import FlatStore


def test_progress_is_reported_by_stage(image_folder: Path) -> None:
    reports: list[Progress] = []
    Retriever.build(image_folder, coder="dense", epochs=2, code_size=8, device="cpu", on_progress=reports.append)
    assert list(dict.fromkeys(report.stage for report in reports)) == ["read", "train", "encode", "store"]
    assert [report.epoch.number for report in reports if report.epoch] == [1, 2]
    assert all(report.done <= (report.total or 0) for report in reports)
    for stage, total in (("read", 60), ("train", 2), ("encode", 60), ("store", 60)):
        last = [report for report in reports if report.stage == stage][-1]
        assert (last.done, last.total) == (total, total)


def test_record_describes_the_build(image_folder: Path) -> None:
    record = Retriever.build(image_folder, coder="dense", epochs=2, code_size=8, device="cpu").record
    assert list(record.seconds) == ["read", "train", "encode", "store"]
    assert all(seconds >= 0 for seconds in record.seconds.values())
    assert [epoch.number for epoch in record.epochs] == [1, 2]
    assert record.source is not None
    assert record.source.root == str(image_folder.resolve())
    assert record.trials == []  # the coder was given
    assert (record.resumed_items, record.added.count, record.novelty_threshold) == (0, 0, None)


@pytest.mark.parametrize("batching", [Batching(), Batching(read=7, encode=11, commit_seconds=0)])
def test_result_does_not_depend_on_batches(
    batching: Batching, image_folder: Path, image_index: Path, snapshot: Callable[..., object]
) -> None:
    state = build_index(BuildPlan(image_folder, coder="pca", code_size=16), batching=batching)
    assert snapshot(Retriever(state)) == snapshot(Retriever.load(image_index))


def test_coder_is_trained_on_a_sample(notes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n_trained = []
    train = build.train
    monkeypatch.setattr(build, "train", lambda coder, X, *rest: (n_trained.append(X.shape[0]), train(coder, X, *rest))[1])
    retriever = Retriever.build(notes, coder="lsa", code_size=8, training_sample=20)
    assert (n_trained, len(retriever)) == ([20], 60)


def test_code_size_is_smaller_for_small_collections(image_folder: Path) -> None:
    assert Retriever.build(list(read_files(image_folder))[:20], coder="pca").coder.code_size == 16
    assert Retriever.build(image_folder, coder="pca").coder.code_size == 32


def test_first_of_two_items_with_same_id_is_indexed() -> None:
    items = [Item("a", "one two three"), Item("b", "two three four"), Item("a", "five six")]
    retriever = Retriever.build(items, coder="raw")
    assert len(retriever) == 2
    assert retriever.ledger.skipped == {"a": Skip(SkipCategory.DUPLICATE_ID, "an earlier item has the same id")}
    assert {hit.excerpt for hit in retriever.query("two", k=5)} == {"one two three", "two three four"}


def test_item_of_other_shape_is_skipped(tmp_path: Path) -> None:
    for number in range(6):
        np.save(tmp_path / f"{number}.npy", np.random.default_rng(number).standard_normal((2, 6)))
    np.save(tmp_path / "9.npy", np.ones((2, 7)))
    retriever = Retriever.build(tmp_path, coder="pca", code_size=2)
    assert len(retriever) == 12
    assert {path: skip.category for path, skip in retriever.ledger.skipped.items()} == {
        "9.npy#1": SkipCategory.INCOMPATIBLE,
        "9.npy#0": SkipCategory.INCOMPATIBLE,
    }


def test_unreadable_files_are_named_if_all_are(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.raises(NoItems, match=r"broken\.png: .*image"):
        Retriever.build(tmp_path)


def test_unreadable_sample_is_replaced_by_other_items(image_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "images"
    for path in image_folder.rglob("*.png"):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).write_bytes(path.read_bytes())
    files = read_files(folder)
    sample_size = 20
    for path in files.sample(sample_size).paths:
        (folder / path).write_bytes(b"no image")

    class SmallSample(Pixels):
        fit_sample_size = sample_size

    retriever = Retriever.build(folder, features=SmallSample(), coder="pca", code_size=8)
    assert 0 < len(retriever) == len(files) - len(retriever.ledger.skipped)
    assert len(retriever.ledger.skipped) == 20


def test_sample_is_spread_over_the_collection(notes: Path) -> None:
    items = list(read_files(notes))
    for collection in (items, read_files(notes)):
        sample = spread_sample(collection, 10)
        assert 10 <= len(sample) <= 12
        assert {item.label for item in sample} == {"files", "networks", "threads"}


def test_only_files_can_be_resumed(notes: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="only a build from files can be resumed"):
        Retriever.build(list(read_files(notes)), workspace=tmp_path / "workspace")


def test_novelty_threshold_is_a_high_percentile() -> None:
    store = FlatStore("l2", 1)
    store.add(np.arange(200), np.arange(200, dtype=np.float32)[:, None] ** 2)
    assert novelty_threshold(store) == pytest.approx(2 * 198 - 1, rel=0.02)
    store.remove(np.arange(101))
    assert novelty_threshold(store) is None


def test_query_unlike_the_collection_is_detected(digit_folder: Path, tmp_path: Path) -> None:
    Retriever.build(digit_folder / "train", coder="pca", code_size=16).save(tmp_path / "index")
    retriever = Retriever.load(tmp_path / "index")
    queries = list(read_files(digit_folder / "test"))
    assert np.mean([retriever.is_out_of_distribution(hits) for hits in retriever.query_many(queries, 1)]) < 0.05
    noise = Item("noise", np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8))
    assert retriever.is_out_of_distribution(retriever.query(noise, 1))
    assert not retriever.is_out_of_distribution([])
