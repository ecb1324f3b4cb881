"""The commands as a person types them: real processes, real files, what goes where, and with which exit code."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aesearch import __version__
from aesearch.catalog import CODERS
from aesearch.index.retriever import Retriever
from aesearch.items import Item


def run(*words: object, cwd: Path, stdin: bytes | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    surroundings = {key: value for key, value in os.environ.items() if not key.startswith("AESEARCH_")} | environment
    command = [sys.executable, "-m", "aesearch.cli", *map(str, words)]
    done = subprocess.run(command, cwd=cwd, input=stdin, capture_output=True, env=surroundings, timeout=300)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


def succeed(*words: object, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    done = run(*words, cwd=cwd, **more)
    assert done.returncode == 0, done.stderr
    return done


def fail(*words: object, cwd: Path, **more: Any) -> str:
    """The one sentence of a command that must end with exit code 1."""
    done = run(*words, cwd=cwd, **more)
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("aesearch: ")
    return sentence


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, digit_folder: Path, documents: list[Item]) -> Path:
    """A folder to stand in, with photos and notes, both indexed."""
    place = tmp_path_factory.mktemp("place")
    for label in "012":
        shutil.copytree(digit_folder / "train" / label, place / "photos" / label)
        shutil.copytree(digit_folder / "test" / label, place / "more" / label)
    (place / "photos" / "broken.png").write_bytes(b"no picture")
    (place / "photos" / "notes.txt").write_text("a text among pictures")
    for item in documents[:80]:
        (place / "notes" / item.id).parent.mkdir(parents=True, exist_ok=True)
        (place / "notes" / item.id).write_text(str(item.content))
    report = json.loads(succeed("index", "photos", "--epochs", "2", "--json", cwd=place).stdout)
    succeed("index", "notes", "--coder", "lsa", "--code-size", "16", cwd=place)
    (place / "report.json").write_text(json.dumps(report))
    return place


def test_index_reports_what_it_did_as_json(place: Path) -> None:
    report = json.loads((place / "report.json").read_text())
    items = len(list((place / "photos").rglob("[0-9]*.png")))
    assert report["index"] == "indexes/photos"
    assert report["kind"] == "images"
    assert (report["items"], report["added"], report["updated"], report["removed"]) == (items, items, 0, 0)
    assert {skip["path"] for skip in report["skipped"]} == {"broken.png", "notes.txt"}
    assert all(skip["reason"] for skip in report["skipped"])
    assert (report["coder"], report["code_size"], report["bytes_per_item"]) == ("neighbors", 32, 128)
    assert set(report["seconds"]) == {"read", "train", "encode", "store"}


def test_run_again_it_brings_the_index_up_to_date(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "notes", tmp_path / "notes")
    succeed("index", "notes", "--coder", "lsa", "--code-size", "16", cwd=tmp_path)
    paths = sorted((tmp_path / "notes").rglob("*.txt"))
    paths[0].unlink()
    (tmp_path / "notes" / "new.txt").write_text("a thread waits for a lock to be released")
    report = json.loads(succeed("index", "notes", "--json", cwd=tmp_path).stdout)
    assert (report["items"], report["added"], report["removed"]) == (80, 1, 1)
    found = json.loads(succeed("query", "notes/new.txt", "--format", "json", cwd=tmp_path).stdout)
    assert found[0]["id"] == "new.txt"


def test_settings_of_a_trained_index_change_only_by_a_rebuild(place: Path) -> None:
    assert "--rebuild" in fail("index", "notes", "--coder", "raw", cwd=place)
    anew = ("index", "notes", "--rebuild", "--json", "--index", "x/anew")
    assert json.loads(succeed(*anew, "--coder", "raw", cwd=place).stdout)["coder"] == "raw"
    report = json.loads(succeed(*anew, "--coder", "lsa", "--code-size", "8", "--bits", cwd=place).stdout)
    assert (report["coder"], report["bytes_per_item"]) == ("lsa", 1)
    asked = succeed("query", "--text", "thread", "--index", "x/anew", "--format", "json", cwd=place)
    assert len(json.loads(asked.stdout)) == 10


def test_another_folder_of_the_same_name_does_not_replace_an_index(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "more", tmp_path / "photos")
    assert "was built from" in fail("index", tmp_path / "photos", cwd=place)


def test_a_photo_is_asked_of_the_index_of_photos(place: Path) -> None:
    photo = min((place / "more" / "0").iterdir())
    done = succeed("query", photo, "--format", "json", cwd=place)
    hits = json.loads(done.stdout)
    assert [hit["rank"] for hit in hits] == list(range(1, 11))
    assert set(hits[0]) == {"rank", "id", "path", "distance", "label"}
    assert Path(hits[0]["path"]).is_file()
    assert [hit["distance"] for hit in hits] == sorted(hit["distance"] for hit in hits)
    assert "indexes/photos" in done.stderr


def test_words_a_file_and_standard_input_ask_alike(place: Path) -> None:
    words = "wait until the thread terminates"
    (place / "query.txt").write_text(words)
    by_text = succeed("query", "--text", words, "--format", "paths", cwd=place).stdout
    assert succeed("query", "query.txt", "--format", "paths", cwd=place).stdout == by_text
    assert succeed("query", "-", "--format", "paths", cwd=place, stdin=words.encode()).stdout == by_text
    assert all(Path(line).is_file() for line in by_text.splitlines())


def test_a_photo_can_be_piped_to_an_index_of_photos(place: Path) -> None:
    photo = min((place / "more" / "0").iterdir())
    options = ("--index", "indexes/photos", "--format", "paths")
    piped = succeed("query", "-", *options, cwd=place, stdin=photo.read_bytes())
    assert piped.stdout == succeed("query", photo, *options, cwd=place).stdout


def test_k_and_the_environment_are_heeded(place: Path, tmp_path: Path) -> None:
    photo = min((place / "more" / "0").iterdir())
    table = succeed("query", photo, "-k", 3, cwd=tmp_path, AESEARCH_INDEX=str(place / "indexes" / "photos")).stdout
    assert len(table.splitlines()) == 4
    assert succeed("query", photo, "-k", 3, cwd=tmp_path, AESEARCH_HOME=str(place / "indexes")).stdout == table


def test_info_tells_how_the_index_was_made(place: Path) -> None:
    facts = json.loads(succeed("info", "--index", "indexes/photos", "--json", cwd=place).stdout)
    assert facts["kind"] == "images"
    assert facts["settings"]["epochs"] == 2
    assert len(facts["epochs"]) == 2
    assert facts["bytes_on_disk"] > 10_000
    assert facts["metric"] == "cosine"
    told = succeed("info", "--index", "indexes/photos", cwd=place).stdout
    assert "neighbors" in told
    assert "of the neighbors of an item's two halves are the same" in told
    assert 0 < facts["agreement"] < 1


def test_evaluate_prints_the_measures(place: Path) -> None:
    found = json.loads(succeed("evaluate", "--queries", "more", "--k", "1,5", "--json", cwd=place).stdout)
    assert set(found) == {"queries", "precision", "map@1000", "agreement", "reconstruction_sse", "queries_per_second"}
    assert set(found["precision"]) == {"1", "5"}
    assert found["precision"]["1"] > 0.8, "of three digits the nearest is nearly always the same one"
    assert found["reconstruction_sse"] > 0
    assert "1-NN accuracy" in succeed("evaluate", "--queries", "more", cwd=place).stdout


def test_evaluate_without_labels_tells_the_agreement(place: Path, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((place / "more").rglob("*.png"))):
        shutil.copy(path, tmp_path / f"{number}.png")
    found = json.loads(succeed("evaluate", "--queries", tmp_path, "--json", cwd=place).stdout)
    assert (found["precision"], found["map@1000"]) == ({}, None)
    assert 0 < found["agreement"] < 1


def test_a_budget_bounds_the_training(place: Path, tmp_path: Path) -> None:
    words = ("index", place / "photos", "--index", tmp_path / "quick", "--coder", "neighbors")
    assert "write 90s or 5m" in fail(*words, "--budget", "soon", cwd=place)
    succeed(*words, "--budget", "0.001s", cwd=place)
    facts = json.loads(succeed("info", "--index", tmp_path / "quick", "--json", cwd=place).stdout)
    assert len(facts["epochs"]) == 1


def test_coders_lists_the_catalog(place: Path) -> None:
    lines = succeed("coders", cwd=place).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(CODERS)


def test_every_command_has_help_and_every_option_words(place: Path) -> None:
    for command in ("index", "query", "info", "evaluate", "coders", "demo"):
        text = succeed(command, "--help", cwd=place).stdout
        assert "Usage:" in text
        for line in text.splitlines():
            option = line.strip()
            if option.startswith("--") and option != "--help":
                assert len(option.split("  ")) > 1 or option.endswith("]") or len(option) > 20, f"{command}: {line}"
    assert succeed("--version", cwd=place).stdout.strip() == __version__


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("index", "photos", "--coder", "convolutonal", "--index", "x/1"), 'did you mean "convolutional"'),
        (("index", "photos", "--coder", "lsa", "--index", "x/1"), "for images choose from"),
        (("index", "notes", "--bits", "--code-size", "12", "--index", "x/1"), "multiple of 8"),
        (("index", "nowhere"), "check the spelling"),
        (("index", "empty"), "holds no pictures or documents"),
        (("index", "notes", "--kind", "images", "--index", "x/1"), "holds no images"),
        (("index", "notes", "--index", "photos"), "no part of an index"),
        (("index", "notes", "--noise", "fog", "--index", "x/1"), "unknown noise"),
        (("index", "notes", "--image-size", "16", "--index", "x/1"), "leave it out"),
        (("index", "photos", "--vocabulary", "16", "--index", "x/1"), "leave it out"),
        (("index", "notes", "--coder", "lsa", "--epochs", "3", "--index", "x/1"), 'no setting "epochs"'),
        (("query", "more/0", "--index", "indexes/photos"), "is a folder"),
        (("query", "--text", "thread", "--index", "indexes/photos"), "index of images"),
        (("query", "--text", "qqqq", "--index", "indexes/notes"), "ask with other words"),
        (("query", "nowhere.png"), "check the spelling"),
        (("query", "--text", "x", "--index", "nowhere"), "no index in nowhere"),
        (("info", "--index", "photos"), "no index in photos"),
        (("evaluate", "--queries", "photos"), "would find itself"),
    ],
)
def test_an_error_is_one_sentence_with_its_remedy(words: tuple[str, ...], says: str, place: Path) -> None:
    (place / "empty").mkdir(exist_ok=True)
    assert says in fail(*words, cwd=place)


def test_a_photo_asked_of_documents_is_refused(place: Path) -> None:
    photo = min((place / "more" / "0").iterdir())
    assert "this index is of documents" in fail("query", photo, "--index", "indexes/notes", cwd=place)


def test_without_any_index_the_remedy_is_named(place: Path, tmp_path: Path) -> None:
    photo = min((place / "more" / "0").iterdir())
    assert "aesearch index PATH" in fail("query", photo, cwd=tmp_path)
    shutil.copytree(place / "indexes" / "notes", tmp_path / "indexes" / "notes")
    assert "no index of images" in fail("query", photo, cwd=tmp_path)


def test_a_damaged_index_is_named_and_rebuilt_on_request(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "notes", tmp_path / "notes")
    succeed("index", "notes", "--coder", "lsa", "--code-size", "8", cwd=tmp_path)
    codes = tmp_path / "indexes" / "notes" / "store" / "codes.faiss"
    codes.write_bytes(codes.read_bytes()[:-10])
    for words in (("query", "--text", "thread"), ("index", "notes"), ("info",)):
        assert "codes.faiss" in fail(*words, cwd=tmp_path)
    succeed("index", "notes", "--coder", "lsa", "--code-size", "8", "--rebuild", cwd=tmp_path)
    assert succeed("query", "--text", "thread", cwd=tmp_path).stdout


def test_wrong_usage_exits_with_2(place: Path) -> None:
    for words in (("query",), ("query", "a.png", "--text", "b"), ("index",), ("query", "x", "--format", "xml"), ("dance",)):
        assert run(*words, cwd=place).returncode == 2, words
    assert run("evaluate", "--queries", "more", "--k", "ten", cwd=place).returncode == 2


def test_names_that_could_move_the_cursor_are_shown_escaped(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "more" / "0", tmp_path / "odd")
    first = min((tmp_path / "odd").iterdir())
    first.rename(first.with_name("red\x1b[31m\n.png"))
    (tmp_path / "odd" / "bad\x1b[2J.png").write_bytes(b"no picture")
    done = succeed("index", "odd", "--coder", "pca", "--code-size", "4", cwd=tmp_path)
    assert "\x1b" not in done.stdout + done.stderr
    table = succeed("query", tmp_path / "odd" / "red\x1b[31m\n.png", cwd=tmp_path).stdout
    assert "red\\x1b[31m\\n.png" in table.splitlines()[1]


def test_a_closed_pipe_is_no_error_message(place: Path) -> None:
    command = f"{sys.executable} -m aesearch.cli coders | head -n 1"
    done = subprocess.run(["bash", "-c", command], cwd=place, capture_output=True, timeout=60)
    assert done.stdout.startswith(b"coder")
    assert b"Traceback" not in done.stderr


def test_interrupted_it_exits_with_130_and_leaves_no_half_an_index(place: Path) -> None:
    slow = ("--coder", "masked", "--epochs", "100000")
    command = [sys.executable, "-m", "aesearch.cli", "index", "photos", "--index", "x/late", *slow]
    with subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stderr is not None
        while (line := process.stderr.readline()) and b"reading" not in line:
            pass
        time.sleep(2)  # training has begun
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
    assert not (place / "x" / "late" / "index.json").exists()
    assert not [path for path in (place / "x").iterdir() if path.name.startswith("aesearch-")]


def test_an_interrupt_that_a_library_swallows_ends_the_run_all_the_same(place: Path, tmp_path: Path) -> None:
    script = f"""
import os, signal, sys, time
from aesearch import building, cli
read = building.read
def interrupted(*parts):
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    except KeyboardInterrupt:
        pass
    return read(*parts)
building.read = interrupted
sys.argv = ["aesearch", "index", "photos", "--coder", "pca", "--code-size", "4", "--index", {str(tmp_path / "i")!r}]
cli.main()
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=place, capture_output=True, timeout=60).returncode == 130
    assert not (tmp_path / "i").exists()


def test_an_update_that_is_killed_goes_on_from_what_it_saved(digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "train" / "1", tmp_path / "photos" / "1")
    words = ["index", "photos", "--index", "i"]
    succeed(*words, "--coder", "pca", "--code-size", "4", cwd=tmp_path)
    before = len(Retriever.load(tmp_path / "i"))
    shutil.copytree(digit_folder / "train" / "2", tmp_path / "photos" / "2")
    script = f"""
import os, sys
from aesearch import cli, retriever
from aesearch.cli import indexing
indexing.SAVED_EVERY, indexing.SAVED_AT_MOST = 0, 0
save = retriever.Retriever.save
def save_and_die(*words):
    save(*words)
    os._exit(9)
retriever.Retriever.save = save_and_die
sys.argv = ["aesearch", *{words}]
cli.main()
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, timeout=60).returncode == 9
    saved = len(Retriever.load(tmp_path / "i"))
    done = json.loads(succeed(*words, "--json", cwd=tmp_path).stdout)
    assert before < saved < done["items"] == saved + done["added"]


def test_pictures_are_given_back_restored_and_drawn(place: Path, tmp_path: Path) -> None:
    drawing = ("--coder", "variational", "--epochs", "5", "--code-size", "8", "--index", tmp_path / "drawing")
    succeed("index", "photos", *drawing, cwd=place)
    out = ("-o", tmp_path / "given.png")
    rows = json.loads(succeed("reconstruct", tmp_path / "drawing", "more", *out, "--most", "3", "--json", cwd=place).stdout)
    assert [set(row) for row in rows] == [{"id", "squared error"}] * 3
    with Image.open(tmp_path / "given.png") as sheet:
        assert sheet.size == (3 * 64 + 2 * 2, 2 * 64 + 2)
    succeed("sample", "--index", tmp_path / "drawing", "-n", "12", "-o", tmp_path / "new.png", cwd=place)
    with Image.open(tmp_path / "new.png") as sheet:
        assert sheet.size == (10 * 64 + 9 * 2, 2 * 64 + 2)
    ends = sorted((place / "more").rglob("*.png"))[:: len(list((place / "more").rglob("*.png"))) - 1][:2]
    way = ("sample", "--index", tmp_path / "drawing", "-n", "5", "--between", *ends, "-o", tmp_path / "way.png")
    succeed(*way, cwd=place)
    with Image.open(tmp_path / "way.png") as sheet:
        assert sheet.size == (5 * 64 + 4 * 2, 64)
    restored = ("denoise", "more", "--index", tmp_path / "drawing", "-o", tmp_path / "restored")
    succeed(*restored, cwd=place)
    assert len(list((tmp_path / "restored").rglob("*.png"))) == len(list((place / "more").rglob("*.png")))
    assert "is there already" in fail(*restored, cwd=place)
    assert "variational" in fail("sample", "--index", "indexes/photos", cwd=place)
    assert "holds documents" in fail("reconstruct", "indexes/photos", "notes", cwd=place)
    assert "only pictures" in fail("denoise", "notes", "--index", "indexes/notes", "-o", tmp_path / "x", cwd=place)


def test_items_are_added_from_anywhere_and_removed_by_id(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "indexes" / "photos", tmp_path / "i")
    photo = min((place / "more" / "2").iterdir())
    succeed("add", photo, "--index", tmp_path / "i", cwd=place)
    hit = json.loads(succeed("query", photo, "-k", "1", "--format", "json", "--index", tmp_path / "i", cwd=place).stdout)[0]
    assert (hit["id"], hit["path"]) == (str(photo), str(photo))
    assert hit["distance"] == pytest.approx(0, abs=1e-5)
    again = ("query", photo, "-k", "1", "--rerank", "--format", "json", "--index", tmp_path / "i")
    hit = json.loads(succeed(*again, cwd=place).stdout)[0]  # it is read again where it lies, outside the folder
    assert (hit["id"], hit["distance"]) == (str(photo), pytest.approx(0, abs=1e-3))
    succeed("remove", photo, "--index", tmp_path / "i", cwd=place)
    hits = json.loads(succeed("query", photo, "--format", "json", "--index", tmp_path / "i", cwd=place).stdout)
    assert str(photo) not in [hit["id"] for hit in hits]
    assert "nothing was removed" in fail("remove", photo, "--index", tmp_path / "i", cwd=place)
    assert "holds documents" in fail("add", "notes", "--index", tmp_path / "i", cwd=place)


def test_a_second_writer_is_told_who_the_first_is(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "indexes" / "notes", tmp_path / "i")
    holding = "import sys, time; from pathlib import Path; from aesearch.index.locking import writing\n"
    holding += f"with writing(Path({str(tmp_path / 'i')!r})): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", holding], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert f"process {holder.pid}" in fail("add", "notes", "--index", tmp_path / "i", cwd=place)
        succeed("query", "--text", "thread", "--index", tmp_path / "i", cwd=place)  # readers need no lock
        holder.kill()
    succeed("add", "notes", "--index", tmp_path / "i", cwd=place)  # the lock died with its holder


def test_verify_and_doctor_say_what_is_wrong(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "indexes" / "notes", tmp_path / "i")
    assert "is as it was written" in succeed("verify", "--index", tmp_path / "i", cwd=place).stdout
    facts = json.loads(succeed("doctor", "--index", tmp_path / "i", "--json", cwd=place).stdout)
    assert facts["opens"].startswith("yes: 80 documents")
    assert facts["an update would read"] == "0 new and 0 changed files, and forget 0"
    store = next((tmp_path / "i").glob("store/*"))
    store.write_bytes(store.read_bytes()[:-1] + b"?")
    assert store.name in fail("verify", "--index", tmp_path / "i", cwd=place)
    assert store.name in json.loads(succeed("doctor", "--index", tmp_path / "i", "--json", cwd=place).stdout)["trouble"]
    assert "no index" in json.loads(succeed("doctor", "--json", cwd=tmp_path).stdout)["index"]


def test_words_are_given_back_as_words(place: Path) -> None:
    rows = json.loads(succeed("reconstruct", "indexes/notes", "notes", "--most", "2", "--json", cwd=place).stdout)
    assert all(row["words"] and row["given back"] for row in rows)


def test_vectors_are_indexed_and_asked(vectors: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "vectors.npy", vectors)
    np.save(tmp_path / "one.npy", vectors[7])
    report = json.loads(succeed("index", "vectors.npy", "--bits", "--code-size", "16", "--json", cwd=tmp_path).stdout)
    assert (report["kind"], report["items"], report["bytes_per_item"]) == ("vectors", 600, 2)
    hit = json.loads(succeed("query", "one.npy", "-k", "1", "--rerank", "--format", "json", cwd=tmp_path).stdout)[0]
    assert hit["id"] == "vectors.npy#7"
    near = json.loads(succeed("query", "one.npy", "--within", "3", "--format", "json", cwd=tmp_path).stdout)
    assert hit["id"] in [each["id"] for each in near]
    assert max(each["distance"] for each in near) <= 3
    assert "index of vectors" in fail("query", "--text", "words", "--index", "indexes/vectors", cwd=tmp_path)


def test_a_model_of_the_user_s_own_gives_the_features(place: Path, picture_model: Path, tmp_path: Path) -> None:
    report = json.loads(
        succeed(
            "index",
            "photos",
            "--features",
            picture_model,
            "--coder",
            "pca",
            "--code-size",
            "8",
            "--json",
            "--index",
            tmp_path / "i",
            cwd=place,
        ).stdout
    )
    assert report["coder"] == "pca"
    facts = json.loads(succeed("info", "--index", tmp_path / "i", "--json", cwd=place).stdout)
    assert (facts["features"], facts["shape"]) == ("pretrained", [12])
    succeed("query", min((place / "more" / "0").iterdir()), "--index", tmp_path / "i", cwd=place)
    assert "not for images" in fail("index", "photos", "--features", "words", "--index", tmp_path / "j", cwd=place)
    assert "cannot be opened" in fail("index", "photos", "--features", "gone.onnx", "--index", tmp_path / "j", cwd=place)


def test_a_collection_is_looked_at_as_a_whole(place: Path, tmp_path: Path) -> None:
    photos, notes = ("--index", "indexes/photos"), ("--index", "indexes/notes")
    strange = json.loads(succeed("outliers", *photos, "-k", "3", "--json", cwd=place).stdout)
    assert [each["percentile"] for each in strange] == sorted((each["percentile"] for each in strange), reverse=True)
    assert "no index" in fail("outliers", cwd=tmp_path)
    shutil.copytree(place / "more", tmp_path / "photos")
    shutil.copy(min((place / "photos" / "0").iterdir()), tmp_path / "photos" / "0" / "copy.png")
    succeed("index", tmp_path / "photos", "--index", tmp_path / "more", "--coder", "pca", "--code-size", "8", cwd=place)
    shutil.copy(tmp_path / "photos" / "0" / "copy.png", tmp_path / "photos" / "1" / "copy.png")
    succeed("index", tmp_path / "photos", "--index", tmp_path / "more", cwd=place)
    sheet = tmp_path / "sheet.png"
    found = succeed("duplicates", "--index", tmp_path / "more", "--format", "json", "--sheet", sheet, cwd=place).stdout
    assert json.loads(found)[0]["ids"] == ["0/copy.png", "1/copy.png"]
    assert Image.open(sheet).width >= 256
    assert "only pictures" in fail("duplicates", *notes, "--sheet", sheet, cwd=place)
    groups = json.loads(succeed("clusters", *notes, "-k", "3", "--json", cwd=place).stdout)
    assert sum(group["size"] for group in groups) == 80
    assert all(group["words"] for group in groups)
    assert "telling words" in succeed("clusters", *notes, "-k", "3", cwd=place).stdout
    assert "decoded words" in succeed("clusters", *notes, "-k", "3", "--decoded", cwd=place).stdout
    for name in ("map.html", "map.png"):
        assert name in succeed("map", *photos, "-o", tmp_path / name, "--clusters", "3", cwd=place).stdout
        assert (tmp_path / name).stat().st_size > 5000
    assert "neither a page" in fail("map", *photos, "-o", tmp_path / "map.txt", cwd=place)
    query = min((place / "notes").rglob("*.txt"))
    reasons = json.loads(succeed("explain", query, *notes, "--json", cwd=place).stdout)
    assert reasons[0]["likeness"] == pytest.approx(1, abs=1e-3)
    assert reasons[0]["decoded"]
    assert "by the decoder" in succeed("explain", query, *notes, cwd=place).stdout
    photo = ("explain", min((place / "more" / "1").iterdir()), *photos, "-o", tmp_path / "why.png")
    for reason in json.loads(succeed(*photo, "--json", cwd=place).stdout):
        assert sum(reason["parts"].values()) == pytest.approx(reason["likeness"], abs=1e-3)
    assert Image.open(tmp_path / "why.png").height > 64


def test_coders_are_compared_on_the_user_s_items(place: Path, tmp_path: Path) -> None:
    words = ("compare", "photos", "--coders", "dense,pca", "--code-size", "4,8", "--epochs", "1")
    done = succeed(*words, "--queries", "more", "--format", "json", "--report", tmp_path / "report", cwd=place)
    entries = json.loads(done.stdout)
    assert {(each["coder"], each["code_size"]) for each in entries} == {(c, s) for c in ("dense", "pca") for s in (4, 8)}
    assert entries[0]["best"]
    assert "<canvas" in (tmp_path / "report" / "index.html").read_text()
    lines = succeed(*words, "--format", "csv", cwd=place).stdout.splitlines()  # every fifth is held out
    assert len(lines) == 5
    table = tmp_path / "notes.csv"
    table.write_text("id,text\n" + "".join(f"{n},word{n % 7} word{n % 5} word{n % 3}\n" for n in range(150)))
    words_of = ("compare", table, "--coders", "lsa", "--code-size", "2", "--report", tmp_path / "words")
    succeed(*words_of, cwd=place)  # nothing to ask with, no labels, rows of a table
    assert "<mark>" in (tmp_path / "words" / "index.html").read_text()
    assert "*" in succeed(*words, cwd=place).stdout
    assert "lsa" in fail("compare", "photos", "--coders", "lsa", cwd=place)


def test_hits_are_shown_as_a_page(place: Path, tmp_path: Path) -> None:
    photo, note = min((place / "more" / "0").iterdir()), min((place / "notes").rglob("*.txt"))
    for query, index, part in ((photo, "indexes/photos", "data:image/jpeg"), (note, "indexes/notes", "<mark>")):
        succeed("query", query, "-k", "3", "--sheet", tmp_path / "hits.html", "--index", index, cwd=place)
        page = (tmp_path / "hits.html").read_text()
        assert page.count("<figcaption>") == 3
        assert part in page


def test_in_a_terminal_each_hit_is_a_link_to_its_file(place: Path) -> None:
    photo = min((place / "more" / "0").iterdir())
    words = ("query", str(photo), "-k", "2", "--index", "indexes/photos", "--thumbnails", "none")
    command = [sys.executable, "-m", "aesearch.cli", *words]
    ours, theirs = pty.openpty()
    subprocess.run(command, cwd=place, stdout=theirs, check=True)
    os.close(theirs)
    links = re.findall(r"\x1b\]8;;(file://[^\x1b]+)\x1b", os.read(ours, 1 << 16).decode())
    os.close(ours)
    assert len(links) == 2
    assert all(Path(link.removeprefix("file://")).is_file() for link in links)


def test_a_query_unlike_everything_is_said_to_be(place: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8), np.uint8)).save(tmp_path / "noise.png")
    index = ("--index", tmp_path / "i")
    succeed("index", "photos", *index, "--coder", "pca", "--code-size", "16", cwd=place)
    assert "nothing in the index is like this" in succeed("query", tmp_path / "noise.png", *index, cwd=place).stderr
    photo = min((place / "photos" / "0").iterdir())
    assert "nothing in the index" not in succeed("query", photo, *index, cwd=place).stderr


def test_an_index_follows_a_folder_that_is_watched(digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "train" / "3", tmp_path / "photos" / "3")
    words = ("index", "photos", "--coder", "pca", "--watch", "--index", "photos/index")
    command = [sys.executable, "-m", "aesearch.cli", *words]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert process.stdout is not None
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        for line in process.stderr:
            if line.startswith("watching"):
                break
        first = process.stdout.readline()
        shutil.copytree(digit_folder / "train" / "4", tmp_path / "photos" / "4")
        assert "added" in process.stdout.readline()
        shutil.rmtree(tmp_path / "photos" / "3")
        assert "removed" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
    assert "added" in first
    labels = {row.label for row in Retriever.load(tmp_path / "photos" / "index").ledger.all_rows()}
    assert labels == {"4"}


def test_a_coder_is_trained_anew_as_it_was(place: Path, digit_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(digit_folder / "train" / "5", tmp_path / "photos" / "5")
    shutil.copytree(digit_folder / "train" / "6", tmp_path / "elsewhere")
    index = ("index", "photos", "--index", "kept")
    succeed(*index, "--coder", "pca", "--code-size", "8", "--bits", "--image-size", "6", cwd=tmp_path)
    succeed("add", "elsewhere", "--index", "kept", cwd=tmp_path)
    before = json.loads(succeed("info", "--index", "kept", "--json", cwd=tmp_path).stdout)
    assert before["added_since_training"] == len(list((tmp_path / "elsewhere").iterdir()))
    succeed(*index, "--retrain", cwd=tmp_path)
    after = json.loads(succeed("info", "--index", "kept", "--json", cwd=tmp_path).stdout)
    for fact in ("items", "coder", "settings", "bits", "code_size", "shape"):
        assert after[fact] == before[fact], fact
    lost = min((tmp_path / "elsewhere").iterdir())
    lost.unlink()
    said = succeed(*index, "--retrain", cwd=tmp_path).stderr.replace("\n", " ")
    assert f"1 that had been added cannot be read again and are left out: {lost}" in said


def test_tables_that_are_added_do_not_take_each_other_s_places(tmp_path: Path) -> None:
    words = ["thread", "lock", "socket", "file", "letter", "word", "page", "line"]
    for name in ("base", "one", "two"):
        rows = [f"{number},{words[number]} {words[(number + 3) % 8]} {name}" for number in range(8)]
        (tmp_path / f"{name}.csv").write_text("id,text\n" + "\n".join(rows) + "\n")
    index = ("--index", "i")
    succeed("index", "base.csv", *index, "--coder", "lsa", "--code-size", "3", cwd=tmp_path)
    succeed("add", "one.csv", "two.csv", *index, cwd=tmp_path)
    before = {row.id for row in Retriever.load(tmp_path / "i").ledger.all_rows()}
    assert len(before) == 24
    succeed("index", "base.csv", *index, "--retrain", cwd=tmp_path)
    assert {row.id for row in Retriever.load(tmp_path / "i").ledger.all_rows()} == before
