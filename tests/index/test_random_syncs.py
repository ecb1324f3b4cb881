"""Property: after any changes of the files, and interruptions of the syncs, an index is that of the current files."""

import json
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.index.progress import Progress
from aesearch.index.retriever import Retriever
from aesearch.index.sync import Changes, Synchronizer
from aesearch.readers.folder import FileCollection, read_files

N_CHANGES = 12
WORDS = "thread lock queue socket port server file folder path signal"


class RandomCollection:
    """A folder of texts and a table, or a table alone, and its index.

    Parameters
    ----------
    folder : Path
    is_single_file : bool
        Whether the collection is a table alone.
    seed : int
    """

    def __init__(self, folder: Path, is_single_file: bool, seed: int) -> None:
        self.folder, self.index, self.is_single_file = folder / "files", folder / "index", is_single_file
        self.rng = random.Random(seed)
        self.texts = [" ".join(self.rng.choices(WORDS.split(), k=6)) + f" unique{number}" for number in range(80)]
        self.folder.mkdir()
        self.write_table(self.folder / "notes.jsonl")
        for number in range(0 if is_single_file else 20):
            (self.folder / f"{number}.txt").write_text(self.texts[number])
        Retriever.build(self.files(), coder="lsa", code_size=8).save(self.index)

    def files(self) -> FileCollection:
        return read_files(next(self.folder.iterdir()) if self.is_single_file else self.folder)

    def write_table(self, path: Path) -> None:
        ids = self.rng.sample(range(40), 16)
        rows = [{"id": f"n#{id}", "text": self.rng.choice(self.texts)} for id in ids]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write(self, path: Path) -> None:
        if path.suffix == ".jsonl":
            self.write_table(path)
        else:
            path.write_text(self.rng.choice(self.texts))

    def change(self) -> None:
        """Delete, rename, add, rewrite or touch a file."""
        paths = sorted(self.folder.iterdir())
        path = self.rng.choice(paths)
        match self.rng.randrange(5):
            case 0 if len(paths) > 1:
                path.unlink()
            case 1:
                path = path.rename(path.with_name(f"{self.rng.randrange(1000)}{path.suffix}"))
                if path.suffix == ".jsonl" and self.rng.random() < 0.5:
                    self.write_table(path)
            case 2 if not self.is_single_file:
                (self.folder / f"{self.rng.randrange(1000)}.txt").write_text(self.rng.choice(self.texts))
            case 3:
                before, stat = path.read_bytes(), path.stat()
                self.write(path)
                self.sync_until_killed()
                if self.rng.random() < 0.5:  # restore the content and the modification time
                    path.write_bytes(before)
                    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            case 4:
                os.utime(path, (1, self.rng.randrange(1000)))

    def sync_until_killed(self) -> None:
        """Sync the index, save it now and then, and stop at a random time."""
        save_interval, kill_at, n_reports = self.rng.randrange(1, 4), self.rng.randrange(1, 8), 0
        retriever = Retriever.load(self.index)

        def on_progress(progress: Progress) -> None:
            nonlocal n_reports
            n_reports += 1
            if n_reports % save_interval == 0:
                retriever.save(self.index)
            if n_reports == kill_at:
                raise InterruptedError

        with suppress(InterruptedError):
            Synchronizer(retriever._state, self.files()).run(on_progress, batch_size=5)
            retriever.save(self.index)


@pytest.mark.parametrize("is_single_file", [False, True], ids=["folder", "table"])
@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 30))])
def test_index_is_that_of_the_current_files(seed: int, is_single_file: bool, tmp_path: Path) -> None:
    collection = RandomCollection(tmp_path, is_single_file, seed)
    for _ in range(N_CHANGES):
        collection.change()
        collection.sync_until_killed()
    retriever = Retriever.load(collection.index)
    retriever.sync(collection.files())
    items = {item.id: item for item in collection.files()}
    rows = {row.id: row for row in retriever.ledger.all_rows()}
    assert {id: row.digest for id, row in rows.items()} == {id: item.digest for id, item in items.items()}
    codes = retriever.store.codes(np.array([rows[id].key for id in items]))
    expected: Any = retriever.coder.encode(retriever.features.transform(list(items.values())))
    np.testing.assert_allclose(codes, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-4)
    assert retriever.ledger.files() == collection.files().paths
    assert retriever.sync(collection.files()) == Changes(0, 0, 0)
