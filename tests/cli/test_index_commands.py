"""The commands that write an index: index, add, remove."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aesearch.cli import index_commands
from aesearch.index.retriever import Retriever
from aesearch.index.update import index_files
from aesearch.readers.folder import read_files

if TYPE_CHECKING:
    from .conftest import Cli

LSA = ("--coder", "lsa", "--code-size", "8")
PCA = ("--coder", "pca", "--code-size", "4")


def ids(index: Path) -> set[str]:
    return {row.id for row in Retriever.load(index).ledger.all_rows()}


def test_index_reports_what_it_did(workspace: Path) -> None:
    report = json.loads((workspace / "report.json").read_text())
    items = len(list((workspace / "photos").rglob("[0-9]*.png")))
    assert report["index"] == "indexes/photos"
    assert report["kind"] == "images"
    assert (report["items"], report["added"]) == (items, items)
    assert (report["updated"], report["removed"], report["moved"]) == (0, 0, 0)
    assert {skip["path"]: skip["category"] for skip in report["skipped"]} == {"broken.png": "unreadable"}
    (part,) = report["parts"]  # the folder holds one text, too
    assert (part["index"], part["kind"], part["items"], part["skipped"]) == ("indexes/photos.documents", "documents", 1, [])
    assert all(skip["reason"] for skip in report["skipped"])
    assert (report["coder"], report["code_size"], report["bytes_per_item"]) == ("neighbors", 32, 128)
    assert set(report["seconds"]) == {"read", "train", "encode", "store"}


def test_index_prints_progress_and_skips_to_standard_error(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    result = cli.succeed("index", "photos", *PCA, "--index", tmp_path / "i")
    items = len(list((workspace / "photos").rglob("[0-9]*.png")))
    assert result.stdout.splitlines() == [
        f"{items} images indexed in {tmp_path / 'i'} ({items} added); 1 skipped; pca, 16 bytes per item",
        f"1 document indexed in {tmp_path / 'i'}.documents (1 added); 0 skipped; raw, 24 bytes per item",
    ]
    assert f"found {items + 1} files of images in photos" in result.stderr
    assert "skipped broken.png: " in result.stderr
    assert "found 1 file of documents, too" in result.stderr
    assert f"encoding: {items} done" in result.stderr


def test_second_run_updates_the_index(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "notes", tmp_path / "notes")
    tmp_cli.succeed("index", "notes", *LSA)
    paths = sorted((tmp_path / "notes").rglob("*.txt"))
    paths[0].unlink()
    paths[1].rename(tmp_path / "notes" / "moved.txt")
    (tmp_path / "notes" / "new.txt").write_text("a thread waits for a lock to be released")
    result = tmp_cli.succeed("index", "notes", "--json")
    report = json.loads(result.stdout)
    assert (report["items"], report["added"], report["removed"], report["moved"]) == (80, 1, 1, 1)
    assert "found 80 files" in result.stderr
    assert tmp_cli.json("query", "notes/new.txt", "--format", "json")[0]["id"] == "new.txt"
    assert "(no changes)" in tmp_cli.succeed("index", "notes").stdout


def test_trained_index_changes_only_by_a_rebuild(cli: Cli, tmp_path: Path) -> None:
    options = ("index", "notes", "--index", tmp_path / "i")
    assert cli.json(*options, "--coder", "raw", "--json")["coder"] == "raw"
    for change in (LSA, ("--set", "seed=1"), ("--vocabulary-size", "100"), ("--store", "flat"), ("--bits",)):
        assert "--rebuild" in cli.fail(*options, *change)
    report = cli.json(*options, *LSA, "--bits", "--rebuild", "--json")
    assert (report["coder"], report["bytes_per_item"]) == ("lsa", 1)
    assert len(cli.json("query", "--text", "thread", "--index", tmp_path / "i", "--format", "json")) == 10


def test_index_of_another_folder_with_the_same_name_is_kept(cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more", tmp_path / "photos")
    assert "was built from" in cli.fail("index", tmp_path / "photos")


def test_set_and_options_reach_the_coder(cli: Cli, tmp_path: Path) -> None:
    options = ("--coder", "dense", "--epochs", "1", "--layers", "20,10", "--noise", "gaussian", "--noise-level", "0.2")
    settings = ("--set", "tied=true", "--set", "batch_size=64", "--set", "loss=mse", "--store", "flat")
    cli.succeed("index", "photos", "--index", tmp_path / "i", *options, *settings, "--code-size", "4")
    facts = cli.json("info", "--index", tmp_path / "i", "--json")
    expected = {"epochs": 1, "layers": [20, 10], "noise": "gaussian", "noise_level": 0.2, "tied": True, "batch_size": 64}
    assert {name: facts["params"][name] for name in expected} == expected
    assert (facts["store"], facts["code_size"], facts["params"]["loss"]) == ("flat", 4, "mse")


def test_budget_limits_the_training(cli: Cli, tmp_path: Path) -> None:
    options = ("--coder", "neighbors", "--budget", "0.001s", "--set", "first_steps=20")
    cli.succeed("index", "photos", "--index", tmp_path / "i", *options)
    facts = cli.json("info", "--index", tmp_path / "i", "--json")
    assert len(facts["epochs"]) == 1
    assert "budget" in facts["warnings"][0]


def test_corrupt_index_is_named_and_rebuilt_on_request(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "notes", tmp_path / "notes")
    tmp_cli.succeed("index", "notes", *LSA)
    codes = max((tmp_path / "indexes" / "notes" / "store").iterdir(), key=lambda path: path.stat().st_size)
    codes.write_bytes(codes.read_bytes()[:-10])
    for command in (("query", "--text", "thread"), ("index", "notes"), ("info",)):
        assert codes.name in tmp_cli.fail(*command)
    tmp_cli.succeed("index", "notes", *LSA, "--rebuild")
    assert tmp_cli.succeed("query", "--text", "thread").stdout


def test_file_names_are_escaped(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "odd")
    first = min((tmp_path / "odd").iterdir())
    first.rename(first.with_name("red\x1b[31m\n.png"))
    (tmp_path / "odd" / "bad\x1b[2J.png").write_bytes(b"not an image")
    result = tmp_cli.succeed("index", "odd", *PCA)
    assert "\x1b" not in result.stdout + result.stderr
    assert "bad\\x1b[2J.png" in result.stderr
    table = tmp_cli.succeed("query", tmp_path / "odd" / "red\x1b[31m\n.png").stdout
    assert "red\\x1b[31m\\n.png" in table.splitlines()[1]


def test_vectors_are_indexed_and_queried(tmp_cli: Cli, vectors: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", vectors)
    np.save(tmp_path / "one.npy", vectors[7])
    options = ("--coder", "neighbors", "--bits", "--code-size", "16", "--rounds", "1", "--set", "steps_per_round=50")
    report = tmp_cli.json("index", "vectors.npy", *options, "--json")
    assert (report["kind"], report["items"], report["bytes_per_item"]) == ("vectors", 600, 2)
    hit = tmp_cli.json("query", "one.npy", "-k", "1", "--rerank", "--format", "json")[0]
    assert hit["id"] == "vectors.npy#7"
    near = tmp_cli.json("query", "one.npy", "--max-distance", "3", "--format", "json")
    assert hit["id"] in [found["id"] for found in near]
    assert max(found["distance"] for found in near) <= 3
    assert "index of vectors" in tmp_cli.fail("query", "--text", "words", "--index", "indexes/vectors")
    assert "index of vectors" in tmp_cli.fail("query", "-", "--index", "indexes/vectors", stdin=b"words")


def test_own_model_provides_the_features(cli: Cli, photo: Path, image_model: Path, tmp_path: Path) -> None:
    index = ("--index", tmp_path / "i")
    assert cli.json("index", "photos", "--features", image_model, *PCA, *index, "--json")["coder"] == "pca"
    facts = cli.json("info", *index, "--json")
    assert (facts["features"], facts["shape"]) == ("pretrained", [12])
    assert cli.succeed("query", photo, *index).stdout


def test_retraining_keeps_parameters_and_added_items(tmp_cli: Cli, digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "test" / "5", tmp_path / "photos" / "5")
    shutil.copytree(digit_folder / "test" / "6", tmp_path / "elsewhere")
    index = ("index", "photos", "--index", "i")
    tmp_cli.succeed(*index, "--coder", "pca", "--code-size", "8", "--bits", "--image-size", "6")
    tmp_cli.succeed("add", "elsewhere", "--index", "i")
    before = tmp_cli.json("info", "--index", "i", "--json")
    assert before["added_since_training"] == len(list((tmp_path / "elsewhere").iterdir()))
    tmp_cli.succeed(*index, "--retrain")
    after = tmp_cli.json("info", "--index", "i", "--json")
    for fact in ("items", "coder", "params", "bits", "code_size", "shape"):
        assert after[fact] == before[fact], fact
    lost = min((tmp_path / "elsewhere").iterdir())
    lost.unlink()
    result = tmp_cli.succeed(*index, "--retrain")
    assert f"warning: 1 added item could not be read again and was removed: {lost}" in result.stderr


def test_items_are_added_from_anywhere_and_removed_by_id(cli: Cli, pca_index: Path, photo: Path, tmp_path: Path) -> None:
    shutil.copytree(pca_index, tmp_path / "i")
    index = ("--index", tmp_path / "i")
    items = len(Retriever.load(pca_index))
    expected = f"added 1 image to {tmp_path / 'i'}, which now holds {items + 1}\n"
    assert cli.succeed("add", photo, *index).stdout == expected
    for rerank in ((), ("--rerank",)):  # reranking reads the file outside of the indexed folder again
        hit = cli.json("query", photo, "-k", "1", *rerank, "--format", "json", *index)[0]
        assert (hit["id"], hit["path"]) == (str(photo), str(photo))
        assert hit["distance"] == pytest.approx(0, abs=1e-3)
    assert cli.succeed("remove", photo, *index).stdout == f"removed 1 item from {tmp_path / 'i'}, which now holds {items}\n"
    assert str(photo) not in ids(tmp_path / "i")
    assert "no item was removed" in cli.fail("remove", photo, *index)


def test_rows_of_added_tables_have_separate_ids(tmp_cli: Cli, tmp_path: Path) -> None:
    index = ("--index", "i")
    words = ["thread", "lock", "socket", "file", "letter", "word", "page", "line"]
    for name in ("base", "one", "two"):
        rows = [f"{number},{words[number]} {words[(number + 3) % 8]} {name}" for number in range(8)]
        (tmp_path / f"{name}.csv").write_text("id,text\n" + "\n".join(rows) + "\n")
    tmp_cli.succeed("index", "base.csv", *index, "--coder", "lsa", "--code-size", "3")
    tmp_cli.succeed("add", "one.csv", "two.csv", *index)
    before = ids(tmp_path / "i")
    assert len(before) == 24
    tmp_cli.succeed("index", "base.csv", *index, "--retrain")
    assert ids(tmp_path / "i") == before


def test_drift_is_reported_after_an_update(
    tmp_cli: Cli, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aesearch.analysis.drift import Drift

    shutil.copytree(workspace / "more", tmp_path / "photos")
    tmp_cli.succeed("index", "photos", *PCA)
    monkeypatch.setattr("aesearch.analysis.drift.measure_drift", lambda retriever: Drift(120, 0.1, 0.5))
    assert "--retrain" in tmp_cli.succeed("index", "photos").stderr
    facts = tmp_cli.json("info", "--json")
    assert facts["drift"] == {"n_items": 120, "score": 0.1, "training_score": 0.5}
    assert "the last 120 added items" in facts["warnings"][-1]
    assert "warning" in tmp_cli.succeed("info").stdout


def test_watch_updates_after_changes(
    tmp_cli: Cli, tmp_path: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(workspace / "more", tmp_path / "photos")
    photo = min((tmp_path / "photos" / "1").iterdir())

    def watch(root: Path, excluded: Path):
        yield  # nothing has changed
        photo.unlink()
        yield
        Image.new("L", (8, 8)).save(photo)
        yield
        shutil.rmtree(root)
        root.mkdir()
        yield  # for now there is nothing to index
        raise KeyboardInterrupt

    monkeypatch.setattr("aesearch.readers.watch.watch_folder", watch)
    result = tmp_cli.run("index", "photos", *PCA, "--watch")
    assert result.exit_code == 130
    assert [line.partition("(")[2].partition(")")[0] for line in result.stdout.splitlines()] == [
        f"{len(list((workspace / 'more').rglob('*.png')))} added",
        "1 removed",
        "1 added",
    ]
    assert "watching photos; stop with Ctrl-C" in result.stderr
    assert "still watching" in result.stderr


def test_update_waits_for_other_writers_while_watching() -> None:
    assert index_commands.WATCH_WAIT_SECONDS > 60


def test_existing_index_decides_how_its_folder_is_read(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "mixed" / "0")
    index = ("index", "mixed", "--index", "i")
    n_images = tmp_cli.json(*index, *PCA, "--json")["items"]
    for number in range(2 * n_images):  # documents now outnumber images
        (tmp_path / "mixed" / f"{number}.txt").write_text(f"note {number}")
    for options in ((), ("--retrain",), ("--rebuild", *PCA)):
        report = tmp_cli.json(*index, *options, "--json")
        assert (report["kind"], report["items"]) == ("images", n_images)
    assert "cannot" in tmp_cli.fail(*index, "--kind", "documents")
    documents = ("--rebuild", "--kind", "documents", "--coder", "lsa")
    assert "--allow-removals" in tmp_cli.fail(*index, *documents)
    assert tmp_cli.json(*index, *documents, "--allow-removals", "--json")["kind"] == "documents"


def test_existing_index_decides_the_fields_of_a_table(tmp_cli: Cli, tmp_path: Path) -> None:
    rows = [f"{number},thread {number % 7} lock {number % 5} wait" for number in range(30)]
    (tmp_path / "notes.csv").write_text("\n".join(["name,body", *rows]))
    index = ("index", "notes.csv", "--index", "i")
    fields = ("--text-field", "body", "--id-field", "name")
    assert tmp_cli.json(*index, *fields, "--coder", "lsa", "--code-size", "3", "--json")["items"] == 30
    with (tmp_path / "notes.csv").open("a") as file:
        file.write("\n30,thread 1 lock 2 wait")
    report = tmp_cli.json(*index, "--json")
    assert (report["items"], report["added"], report["skipped"]) == (31, 1, [])
    assert "30" in ids(tmp_path / "i")
    assert "cannot read notes.csv with other fields: i is already built" in tmp_cli.fail(*index, "--text-field", "name")


def test_encoding_of_all_files_can_be_chosen(tmp_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for number in range(8):
        (tmp_path / "notes" / f"{number}.txt").write_bytes(f"žluťoučký kůň {number % 3} úpěl".encode("cp1250"))
    index = ("index", "notes", "--coder", "lsa", "--code-size", "2", "--index", "i")
    assert 'unknown encoding "cp9999"' in tmp_cli.fail(*index, "--encoding", "cp9999")
    tmp_cli.succeed(*index, "--encoding", "cp1250")
    assert tmp_cli.succeed("query", "--text", "žluťoučký", "--index", "i").stdout
    evaluation = ("evaluate", "--queries", "notes", "--index", "i", "--json")
    assert "unknown encoding" in tmp_cli.fail(*evaluation, "--encoding", "cp9999")
    assert "unknown encoding" in tmp_cli.fail("compare", "notes", "--coders", "lsa", "--encoding", "cp9999")


def test_patterns_choose_files_for_all_updates(tmp_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "notes" / "drafts").mkdir(parents=True)
    for number in range(8):
        (tmp_path / "notes" / f"{number}.txt").write_text(f"threads wait for lock {number % 3}")
        (tmp_path / "notes" / "drafts" / f"{number}.txt").write_text("a draft")
    index = ("index", "notes", "--coder", "lsa", "--code-size", "2", "--index", "i")
    result = tmp_cli.succeed(*index, "--exclude", "drafts/", "--include", "*.txt")
    assert "not indexed: 1 excluded" in result.stderr
    (tmp_path / "notes" / "new.txt").write_text("threads wait")
    (tmp_path / "notes" / "new.md").write_text("not included")
    assert "9 documents indexed" in tmp_cli.succeed("index", "notes", "--index", "i").stdout
    assert index_files(tmp_path / "i", read_files(tmp_path / "notes")).items == 9
    assert len(Retriever.load(tmp_path / "i").source_files()) == 9
    message = tmp_cli.fail("index", "notes", "--index", "i", "--exclude", "*.md")
    assert "cannot set other patterns to include or exclude" in message
    assert "10 documents indexed" in tmp_cli.succeed(*index, "--rebuild", "--include", "*.md", "--include", "*.txt").stdout


def test_most_items_are_removed_only_with_permission(tmp_cli: Cli, workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace / "more" / "0", tmp_path / "photos")
    index = ("index", "photos", "--index", "i")
    n_items = tmp_cli.json(*index, *PCA, "--json")["items"]
    assert n_items >= 20
    for path in list((tmp_path / "photos").iterdir())[1:]:
        path.unlink()
    message = tmp_cli.fail(*index)
    assert f"nothing was changed: {n_items - 1} of {n_items} items would be removed" in message
    assert "--allow-removals" in message
    assert len(Retriever.load(tmp_path / "i")) == n_items
    report = tmp_cli.json(*index, "--allow-removals", "--json")
    assert (report["items"], report["removed"]) == (1, n_items - 1)
