"""Random damage, a little of what benchmarks/corruption.py and benchmarks/fuzz.py do at length."""

import csv
import gzip
import io
import json
import random
import shutil
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pytest
from PIL import Image

from aesearch import AesearchError, Item, Retriever, manifest
from aesearch.readers.folder import read_files


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """The same bytes: some flipped, zeroed, taken out or repeated, or the end cut off."""
    out = bytearray(raw)
    for _ in range(chance.choice((1, 2, 20))):
        place, length = chance.randrange(len(out) or 1), chance.choice((1, 4, 300))
        match chance.randrange(5):
            case 0:
                out[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                out[place : place + length] = bytes(length)
            case 2:
                out[place : place + 4] = b"\xff\xff\xff\x7f"
            case 3:
                out[place:place] = out[chance.randrange(len(out) or 1) :][:length]
            case 4:
                del out[place : len(out) if chance.random() < 0.3 else place + length]
    return bytes(out)


def answers(index: Retriever, asked: list[Path]) -> list[list[Any]]:
    return [[(hit.id, hit.distance, hit.label, hit.path) for hit in hits] for hits in index.query_many(asked)]


@pytest.mark.parametrize("as_if_large", [False, True], ids=["checked", "as if large"])
@pytest.mark.parametrize("kind", ["digit", "document"])
def test_damage_to_an_index_is_refused_or_found_or_harmless(
    kind: str, as_if_large: bool, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Path = request.getfixturevalue(f"{kind}_index")
    data: Path = request.getfixturevalue("digit_folder" if kind == "digit" else "documentation_folder")
    asked = sorted((data / "test").rglob("*.*"))[:200:100]
    right = answers(Retriever.load(whole), asked)
    if as_if_large:
        monkeypatch.setattr(manifest, "CHECKED_AT_OPENING", 0)
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    for number in range(40):
        chance, folder = random.Random(number), tmp_path / str(number)
        shutil.copytree(whole, folder)
        hurt = folder / chance.choice(files)
        hurt.write_bytes((damaged(hurt.read_bytes(), chance) + hurt.read_bytes())[: hurt.stat().st_size])
        try:
            index = Retriever.load(folder)
            given = answers(index, asked)
            index.verify()
        except AesearchError as error:
            unnamed = str(folder) not in str(error)
        else:
            unnamed = given != right
        assert not unnamed, f"{number}: {hurt} was altered, and nobody says so"


def picture(ending: str, pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, ending)
    return out.getvalue()


def word_document() -> bytes:
    document, out = docx.Document(), io.BytesIO()
    document.add_paragraph("threads and locks")
    document.save(out)
    return out.getvalue()


def comma_separated(rows: int) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([("id", "text"), *((n, f'row "{n}", of many') for n in range(rows))])
    return out.getvalue().encode()


def test_damaged_files_are_read_or_named(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    lines = b"".join(json.dumps({"id": n, "text": f"row {n}"}).encode() + b"\n" for n in range(20))
    npy = io.BytesIO()
    np.save(npy, np.ones((5, 8)))
    kinds = {
        "images": {f".{one}": picture(one, pixels) for one in ("jpeg", "png", "webp", "gif", "bmp", "tiff", "ppm")},
        "documents": {
            ".html": b"<html><body><p>threads <b>and</b> locks</body></html>",
            ".jsonl": lines,
            ".jsonl.gz": gzip.compress(lines),
            ".csv": comma_separated(20),
            ".docx": word_document(),
        },
        "vectors": {".npy": npy.getvalue()},
    }
    for kind, formats in kinds.items():
        folder = tmp_path / kind
        for ending, raw in formats.items():
            (folder / ending.strip(".")).mkdir(parents=True)
            for number in range(30):
                path = folder / ending.strip(".") / f"{number:03}{ending}"
                path.write_bytes(damaged(raw, random.Random(number)) if number else raw)
        files = read_files(folder)
        items: list[Item] = list(files)
        seen = {item.path for item in items} | {path.partition("#")[0] for path in files.skipped}
        assert seen == files.paths.keys()
        assert {item.path for item in items} >= {f"{ending.strip('.')}/000{ending}" for ending in formats}
        failed = {path: why for path, why in files.skipped.items() if "reader failed" in why or "crashed" in why}
        assert not failed, failed
