"""For fuzz.py: damage files at random, and make files that are hostile by design."""

import gzip
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from fuzz_formats import write_npy, write_parquet
from PIL import Image

HEADER_BYTES = 256
BOUNDARY_VALUES = (0, 1, 127, 128, 255, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1)
"""Values that overflow, or nearly overflow, common integer types."""
GZIP_SIGNATURE, ZIP_SIGNATURE, PNG_SIGNATURE = b"\x1f\x8b", b"PK\3\4", b"\x89PNG"


def damage(content: bytes, rng: random.Random) -> bytes:
    """Return a damaged file. Damage may also be inside its compression, or under valid checksums."""
    if content.startswith(GZIP_SIGNATURE) and rng.random() < 0.5:
        return gzip.compress(damage(gzip.decompress(content), rng))
    if content.startswith(ZIP_SIGNATURE) and rng.random() < 0.7:
        return _damage_zip_member(content, rng)
    if content.startswith(PNG_SIGNATURE) and rng.random() < 0.7:
        return _damage_png_chunk(content, rng)
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 40))):
        _damage_once(damaged, rng)
    return bytes(damaged)


def _damage_once(content: bytearray, rng: random.Random) -> None:
    """Replace, overwrite, delete, repeat or insert bytes, half of the time in the header."""
    in_header = bool(content) and rng.random() < 0.5
    start = rng.randrange(min(len(content), HEADER_BYTES)) if in_header else rng.randrange(len(content) or 1)
    length = rng.choice((1, 2, 4, 16, 200))
    match rng.randrange(6):
        case 0:
            content[start : start + 1] = bytes([rng.randrange(256)])
        case 1:
            value, size = rng.choice(BOUNDARY_VALUES), rng.choice((2, 4, 8))
            content[start : start + size] = (value % 256**size).to_bytes(size, rng.choice(("little", "big")))
        case 2:
            del content[start : len(content) if rng.random() < 0.3 else start + length]
        case 3:
            content[start:start] = content[rng.randrange(len(content) or 1) :][:length]
        case 4:
            content[start:start] = rng.randbytes(length)
        case 5:
            content[start : start + length] = rng.choice((b"0", b"9", b"\xff", b"\0", b"<", b'"')) * length


def _damage_zip_member(content: bytes, rng: random.Random) -> bytes:
    """Return the archive with one damaged XML file, compressed and with valid checksums."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as members, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as damaged:
        chosen = rng.choice([name for name in members.namelist() if name.endswith((".xml", ".rels"))])
        for name in members.namelist():
            damaged.writestr(name, damage(members.read(name), rng) if name == chosen else members.read(name))
    return file.getvalue()


def _damage_png_chunk(content: bytes, rng: random.Random) -> bytes:
    """Return the PNG file with one damaged chunk and valid checksums. Pixels are also damaged inside their compression."""
    chunks, start = [], 8
    while start < len(content):
        size = int.from_bytes(content[start : start + 4])
        chunks.append((content[start + 4 : start + 8], content[start + 8 : start + 8 + size]))
        start += size + 12
    chosen = rng.randrange(len(chunks) - 1)
    name, chunk = chunks[chosen]
    if name == b"IDAT" and rng.random() < 0.5:
        pixels = zlib.decompress(b"".join(chunk for name, chunk in chunks if name == b"IDAT"))
        chunks = [chunks[0], (name, zlib.compress(damage(pixels, rng))), chunks[-1]]
    else:
        chunks[chosen] = name, damage(chunk, rng)
    parts = (
        struct.pack(">I", len(chunk)) + name + chunk + struct.pack(">I", zlib.crc32(name + chunk)) for name, chunk in chunks
    )
    return content[:8] + b"".join(parts)


def hostile_files(kind: str) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files that waste memory or time, or have extreme sizes."""
    yield from {"images": _hostile_images, "documents": _hostile_documents, "vectors": _hostile_vectors}[kind]()


def _hostile_images() -> Iterator[tuple[str, bytes]]:
    head = bytes([0, 0, 8, 3])
    yield "negative-images-idx3-ubyte", head + struct.pack(">3i", -1, -1, 100) + bytes(100)
    yield "flat-images-idx3-ubyte", head + struct.pack(">3i", 5, 0, 28)
    yield "none-images-idx3-ubyte", head + struct.pack(">3i", 0, 28, 28)
    yield "bomb-images-idx3-ubyte.gz", head + struct.pack(">3i", 1, 1, 100) + gzip.compress(bytes(100))
    zeros = gzip.compress(bytes(64 << 20), 1)
    yield "large-images-idx3-ubyte.gz", gzip.compress(head + struct.pack(">3i", 4096, 1024, 1024), 1) + zeros * 64
    yield "wide.ppm", b"P6 100000000 1 255\n" + bytes(300)
    # A few kB for 9,000 x 9,000 black pixels, which is below the limit and must be read.
    bomb = io.BytesIO()
    Image.new("L", (9000, 9000)).save(bomb, "PNG")
    yield "bomb.png", bomb.getvalue()


def _hostile_documents() -> Iterator[tuple[str, bytes]]:
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


def _hostile_vectors() -> Iterator[tuple[str, bytes]]:
    yield "none.npy", write_npy(np.zeros((0, 5), np.float32))
    yield "flat.npy", write_npy(np.zeros((5, 0), np.float32))
    yield "large.npy", write_npy(np.full((5, 64), 1e300))
    yield "wide.npy", write_npy(np.zeros((1, 10**7), np.uint8))
    yield "none.parquet", write_parquet(np.zeros((0, 64), np.float32))
    yield "object.npy", write_npy(np.array([{}, {}], object))
