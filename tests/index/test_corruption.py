"""Random corruption of an index is rejected, found by verify, or harmless. benchmarks/corruption.py does this at length."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesearch.errors import AesearchError
from aesearch.index.manifest import MAX_CHECKED_BYTES
from aesearch.index.retriever import Retriever
from aesearch.index.storage import load_state
from aesearch.readers.folder import read_files

N_CORRUPTIONS = 40

INDEXES: dict[str, dict[str, Any]] = {
    "pca": {"coder": "pca", "code_size": 8},
    "dense": {"coder": "dense", "code_size": 8, "epochs": 1, "device": "cpu"},
    "lsa bits": {"coder": "lsa", "code_size": 8, "bits": True},
    "raw": {"coder": "raw"},
}


@pytest.fixture(scope="module", params=INDEXES)
def intact(
    request: pytest.FixtureRequest, image_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Any], list[Any]]:
    """Build an index. Return its folder, queries, and their hits."""
    name, root = request.param, tmp_path_factory.mktemp("intact")
    if name in ("lsa bits", "raw"):
        (root / "notes").mkdir()
        for number in range(60):
            text = f"word{number % 7} thing{number % 5} lock{number % 3} unique{number}"
            (root / "notes" / f"{number}.txt").write_text(text)
        data = root / "notes"
    else:
        data = image_folder
    Retriever.build(data, **INDEXES[name]).save(root / "index")
    queries: list[Any] = list(read_files(data))[::20]
    return root / "index", queries, Retriever.load(root / "index").query_many(queries)


@pytest.mark.parametrize("max_checked_bytes", [MAX_CHECKED_BYTES, 0], ids=["small files", "large files"])
def test_corruption_is_rejected_found_or_harmless(
    max_checked_bytes: int,
    intact: tuple[Path, list[Any], list[Any]],
    corrupt: Callable[[bytes, random.Random], bytes],
    tmp_path: Path,
) -> None:
    index, queries, expected = intact
    files = sorted(path.relative_to(index) for path in index.rglob("*") if path.is_file())
    for number in range(N_CORRUPTIONS):
        rng, folder = random.Random(number), tmp_path / str(number)
        shutil.copytree(index, folder)
        path = folder / rng.choice(files)
        content = path.read_bytes()
        path.write_bytes((corrupt(content, rng) + content)[: len(content)])  # of the same length, which is checked first
        message = ""
        try:
            retriever = Retriever(load_state(folder, max_checked_bytes=max_checked_bytes))
            hits = retriever.query_many(queries)
            retriever.verify()
        except AesearchError as error:
            message = str(error)
        assert str(folder) in message or (not message and hits == expected), f"{number}: {path} is corrupt, but: {message}"
