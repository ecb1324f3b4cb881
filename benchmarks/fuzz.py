"""Damaged and hostile files of every format among good ones: each is indexed, or skipped by name with a reason.

python benchmarks/fuzz.py --data DATA [--count 5000] [--keep OUT]

Real photos, messages and vectors are written in every format that is read; of each format so many files are altered: bits
flipped, bytes cut off, taken out, repeated, numbers set to the extremes that length fields dread, also beneath checksums
and compression.  Beside them lie files that mean harm: bombs, nests, tables of nothing.  Good and bad are indexed together.

Bars: exit code 0, every file accounted for, nothing waited for, no more than MEMORY in use, a decoder's own bug contained.
"""

import csv
import gzip
import io
import json
import random
import re
import struct
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import numpy as np
import pyarrow
import pyarrow.parquet
from measure import AESEARCH, arguments, process, table
from PIL import Image

from aesearch import Retriever
from aesearch.readers.folder import read_files

GOOD = 20
MEMORY = 1536
"""MiB, of any one process."""
SECONDS = 600
CODERS = {"images": "pca", "documents": "lsa", "vectors": "pca"}
CONTAINED = ("its reader failed", "its decoder crashed", "reading it took longer")
"""How reasons begin that are a decoder's bug: no harm to the run, but a better reason could be given."""


def picture(**how: object) -> Callable[[Image.Image], bytes]:
    def written(image: Image.Image) -> bytes:
        out = io.BytesIO()
        image.convert(str(how.get("mode", "RGB"))).save(out, **{key: value for key, value in how.items() if key != "mode"})
        return out.getvalue()

    return written


def idx(image: Image.Image) -> bytes:
    pixels = np.asarray(image.convert("L").resize((28, 28)))
    return bytes([0, 0, 8, 3]) + struct.pack(">3i", 5, 28, 28) + pixels.tobytes() * 5


def cifar(image: Image.Image) -> bytes:
    return (b"\x03" + np.asarray(image.resize((32, 32))).transpose(2, 0, 1).tobytes()) * 5


def html(words: str) -> bytes:
    rows = "".join(f"<p class='x'>{line}</p>" for line in words.splitlines())
    return f"<!doctype html><html><head><title>A page</title></head><body><table><tr><td>{rows}</table>".encode()


def json_lines(words: str) -> bytes:
    rows = ({"id": f"row {n}", "text": line, "label": "a"} for n, line in enumerate(words.splitlines()))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def comma_separated(comma: str) -> Callable[[str], bytes]:
    def written(words: str) -> bytes:
        out = io.StringIO()
        rows = csv.writer(out, delimiter=comma)
        rows.writerows([("id", "text", "label"), *((n, line, "a") for n, line in enumerate(words.splitlines()))])
        return out.getvalue().encode()

    return written


def pdf(words: str) -> bytes:
    lines = [re.sub(r"[^ -~]|[()\\]", "", line)[:90] for line in words.splitlines()[:40]]
    drawn = zlib.compress(b"BT /F1 9 Tf 12 TL 20 700 Td " + "".join(f"({line}) Tj T* " for line in lines).encode() + b"ET")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 720]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(drawn), drawn),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, starts = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % start for start in starts)
    return out + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(out)


def word(words: str) -> bytes:
    document, out = docx.Document(), io.BytesIO()
    for line in words.splitlines()[:20]:
        document.add_paragraph(re.sub(r"[^ -~]", "", line))
    document.add_table(2, 2).cell(0, 0).text = "a cell"
    document.save(out)
    return out.getvalue()


def npy(rows: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, rows)
    return out.getvalue()


def parquet(rows: np.ndarray) -> bytes:
    out = io.BytesIO()
    columns = {"id": [f"row {n}" for n in range(len(rows))], "vector": list(rows)}
    pyarrow.parquet.write_table(pyarrow.table(columns), out)
    return out.getvalue()


FORMATS: dict[str, dict[str, Callable[..., bytes]]] = {
    "images": {
        ".jpg": picture(format="JPEG"),
        "-progressive.jpg": picture(format="JPEG", progressive=True),
        ".png": picture(format="PNG"),
        "-palette.png": picture(format="PNG", mode="P"),
        ".webp": picture(format="WEBP"),
        ".gif": picture(format="GIF"),
        ".bmp": picture(format="BMP"),
        ".tif": picture(format="TIFF"),
        "-lzw.tif": picture(format="TIFF", compression="tiff_lzw"),
        "-float.tif": picture(format="TIFF", mode="F"),
        "-jpeg.tif": picture(format="TIFF", compression="jpeg"),
        ".ppm": picture(format="PPM"),
        "-images-idx3-ubyte": idx,
        "-images-idx3-ubyte.gz": lambda image: gzip.compress(idx(image)),
        ".bin": cifar,
    },
    "documents": {
        ".txt": lambda words: words.encode(),
        "-utf16.txt": lambda words: words.encode("utf-16"),
        ".html": html,
        ".jsonl": json_lines,
        ".jsonl.gz": lambda words: gzip.compress(json_lines(words)),
        ".csv": comma_separated(","),
        ".csv.gz": lambda words: gzip.compress(comma_separated(",")(words)),
        ".tsv": comma_separated("\t"),
        ".pdf": pdf,
        ".docx": word,
    },
    "vectors": {".npy": npy, ".parquet": parquet},
}


def altered(raw: bytes, chance: random.Random) -> bytes:
    """The same file, damaged; sometimes beneath its compression or checksums."""
    if raw[:2] == b"\x1f\x8b" and chance.random() < 0.5:
        return gzip.compress(altered(gzip.decompress(raw), chance))
    if raw[:4] == b"PK\3\4" and chance.random() < 0.7:
        return _rezipped(raw, chance)
    if raw[:4] == b"\x89PNG" and chance.random() < 0.7:
        return _rechecked(raw, chance)
    out = bytearray(raw)
    for _ in range(chance.choice((1, 1, 2, 5, 40))):
        # Half of the damage in the first bytes, where the lengths and sizes stand.
        place = chance.randrange(min(len(out), 256)) if out and chance.random() < 0.5 else chance.randrange(len(out) or 1)
        length = chance.choice((1, 2, 4, 16, 200))
        match chance.randrange(6):
            case 0:
                out[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                number = chance.choice((0, 1, 127, 128, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1))
                size = chance.choice((2, 4, 8))
                out[place : place + size] = (number % 256**size).to_bytes(size, chance.choice(("little", "big")))
            case 2:
                del out[place : len(out) if chance.random() < 0.3 else place + length]
            case 3:
                out[place:place] = out[chance.randrange(len(out) or 1) :][:length]
            case 4:
                out[place:place] = chance.randbytes(length)
            case 5:
                out[place : place + length] = chance.choice((b"0", b"9", b"\xff", b"\0", b"<", b'"')) * length
    return bytes(out)


def _rezipped(raw: bytes, chance: random.Random) -> bytes:
    """The same archive, one of its parts damaged."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as parts, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as fresh:
        hurt = chance.choice([name for name in parts.namelist() if name.endswith((".xml", ".rels"))])
        for name in parts.namelist():
            fresh.writestr(name, altered(parts.read(name), chance) if name == hurt else parts.read(name))
    return out.getvalue()


def _rechecked(raw: bytes, chance: random.Random) -> bytes:
    """The same PNG, one of its chunks damaged, its pixels sometimes beneath their compression, and the checksums right."""
    chunks, place = [], 8
    while place < len(raw):
        size = int.from_bytes(raw[place : place + 4])
        chunks.append((raw[place + 4 : place + 8], raw[place + 8 : place + 8 + size]))
        place += size + 12
    hurt = chance.randrange(len(chunks) - 1)
    kind, content = chunks[hurt]
    if kind == b"IDAT" and chance.random() < 0.5:
        pixels = zlib.decompress(b"".join(content for kind, content in chunks if kind == b"IDAT"))
        chunks = [chunks[0], (kind, zlib.compress(altered(pixels, chance))), chunks[-1]]
    else:
        chunks[hurt] = kind, altered(content, chance)
    parts = (struct.pack(">I", len(one)) + kind + one + struct.pack(">I", zlib.crc32(kind + one)) for kind, one in chunks)
    return raw[:8] + b"".join(parts)


def hostile(kind: str) -> Iterator[tuple[str, bytes]]:
    """Files made to do harm."""
    if kind == "images":
        head = bytes([0, 0, 8, 3])
        yield "negative-images-idx3-ubyte", head + struct.pack(">3i", -1, -1, 100) + bytes(100)
        yield "flat-images-idx3-ubyte", head + struct.pack(">3i", 5, 0, 28)
        yield "none-images-idx3-ubyte", head + struct.pack(">3i", 0, 28, 28)
        yield "bomb-images-idx3-ubyte.gz", head + struct.pack(">3i", 1, 1, 100) + gzip.compress(bytes(100))
        zeros = gzip.compress(bytes(64 << 20), 1)
        yield "large-images-idx3-ubyte.gz", gzip.compress(head + struct.pack(">3i", 4096, 1024, 1024), 1) + zeros * 64
        yield "wide.ppm", b"P6 100000000 1 255\n" + bytes(300)
        yield "bomb.png", _bomb_png()
    if kind == "documents":
        endless = gzip.compress(b"a" * (64 << 20), 1) * 64
        yield "line.jsonl.gz", gzip.compress(b'{"text": "') + endless + gzip.compress(b'"}')
        yield "field.csv.gz", gzip.compress(b'text\n"') + gzip.compress(b"a b\n" * (16 << 20), 1) * 64
        yield "names.csv.gz", gzip.compress(b"a," * (32 << 20), 1) * 32
        yield "nest.jsonl", b'{"text": ' + b"[" * 10**6 + b"]" * 10**6 + b"}\n"
        yield "number.jsonl", b'{"text": "a", "id": ' + b"9" * 10**6 + b"}\n"
        yield "nest.html", b"<div>" * 10**6 + b"words"
        yield "markup.html", b"<b><i><a><p>" * 10**5 + b"words"
        yield "entities.html", b"&amp" * 10**6
        yield "blank.jsonl", b"\n\n\n"
        yield "head.csv", b"id,text\n"
        yield "columns.csv", b"text," * 10**6 + b"\na\n"
        yield "odd.txt", bytes(range(1, 256)) * 100_000
    if kind == "vectors":
        yield "none.npy", npy(np.zeros((0, 5), np.float32))
        yield "flat.npy", npy(np.zeros((5, 0), np.float32))
        yield "large.npy", npy(np.full((5, 64), 1e300))
        yield "wide.npy", npy(np.zeros((1, 10**7), np.uint8))
        yield "none.parquet", parquet(np.zeros((0, 64), np.float32))
        yield "object.npy", npy(np.array([{}, {}], object))


def _bomb_png() -> bytes:
    """9,000 x 9,000 black pixels in a few kB: below the limit, so it is to be read."""
    out = io.BytesIO()
    Image.new("L", (9000, 9000)).save(out, "PNG")
    return out.getvalue()


def originals(data: Path, kind: str) -> list[object]:
    """Contents to be written in every format of the kind."""
    if kind == "images":
        paths = sorted((data / "image" / "clothing" / "train").glob("*/*.jpg"))
        return [Image.open(path).convert("RGB").resize((96, 128)) for path in paths[:: len(paths) // GOOD][:GOOD]]
    if kind == "documents":
        with gzip.open(data / "text" / "20news" / "test.jsonl.gz", "rt", encoding="utf-8") as lines:
            texts = [json.loads(next(lines))["text"][:4000] for _ in range(GOOD)]
            return ["\n".join(line for line in text.splitlines() if line.strip()) for text in texts]
    return [np.random.default_rng(number).standard_normal((5, 64)).astype(np.float32) for number in range(GOOD)]


def lay_out(folder: Path, data: Path, kind: str, count: int) -> None:
    """`count` altered files of each format, GOOD whole ones, and the hostile."""
    contents = originals(data, kind)
    for ending, write in FORMATS[kind].items():
        whole = [write(content) for content in contents]
        place = folder / ending.strip("-.")
        place.mkdir(parents=True)
        for number, raw in enumerate(whole):
            (place / f"good{number:02}{ending}").write_bytes(raw)
        for number in range(count):
            (place / f"{number:05}{ending}").write_bytes(altered(whole[number % GOOD], random.Random(number)))
    (folder / "zz-hostile").mkdir()
    for name, raw in hostile(kind):
        (folder / "zz-hostile" / name).write_bytes(raw)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=5000, help="altered files, over all formats")
    parser.add_argument("--keep", type=Path, help="folder to leave the files in, for a closer look")
    parser.add_argument("--kind", choices=list(FORMATS), help="these alone")
    options = parser.parse_args()
    each = -(-options.count // sum(map(len, FORMATS.values())))
    rows, failures, runs = [], [], []
    with tempfile.TemporaryDirectory() as temporary:
        for kind in [options.kind] if options.kind else FORMATS:
            folder = Path(options.keep or temporary) / kind
            lay_out(folder, options.data, kind, each)
            index = Path(temporary) / "indexes" / kind
            words = ("index", folder, "--kind", kind, "--coder", CODERS[kind], "--index", index, "--json")
            run = process(["timeout", "--foreground", SECONDS, *AESEARCH, *words])
            runs.append((kind, run.seconds, run.peak_mib))
            skipped = {one["path"]: one["reason"] for one in json.loads(run.output)["skipped"]}
            indexed = Counter(row.path for row in Retriever.load(index).ledger.all_rows())
            touched = {path.partition("#")[0] for path in skipped}
            for name in sorted({path.split("/")[0] for path in read_files(folder, kind=kind).paths}):
                files = {path for path in read_files(folder, kind=kind).paths if path.startswith(f"{name}/")}
                contained = {path for path in files if skipped.get(path, "").startswith(CONTAINED)}
                lost = files - indexed.keys() - touched
                there, noted = files & indexed.keys(), files & touched
                rows.append((name, *map(len, (files, there - noted, there & noted, noted - there, contained, lost))))
                failures += [f"{path}: {skipped[path]}" for path in contained] + [f"{path}: LOST" for path in lost]
                bad = [path for path in files if Path(path).name.startswith("good") and path in touched | lost]
                failures += [f"{path}: good, but {skipped.get(path)}" for path in bad]
    print(*sorted(failures), "", sep="\n")
    table(("format", "files", "indexed", "but for some rows", "skipped", "of these contained", "lost"), rows)
    print()
    table(("indexed", "seconds", f"peak MiB (bar {MEMORY:,})"), runs)


if __name__ == "__main__":
    main()
