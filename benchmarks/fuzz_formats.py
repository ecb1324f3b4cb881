"""For fuzz.py: write images, texts and vectors in every file format that aesearch reads."""

import csv
import gzip
import io
import json
import re
import struct
import zlib
from collections.abc import Callable

import docx
import numpy as np
import pyarrow
import pyarrow.parquet
from PIL import Image

ROWS_PER_FILE = 5
"""Images in an image set, vectors in a file."""


def image_writer(mode: str = "RGB", **options: object) -> Callable[[Image.Image], bytes]:
    """Return a function that encodes images with Pillow."""

    def write(image: Image.Image) -> bytes:
        file = io.BytesIO()
        image.convert(mode).save(file, **options)  # type: ignore[arg-type]
        return file.getvalue()

    return write


def write_idx(image: Image.Image) -> bytes:
    """Return an idx file, the format of MNIST, that repeats one image."""
    pixels = np.asarray(image.convert("L").resize((28, 28)))
    return bytes([0, 0, 8, 3]) + struct.pack(">3i", ROWS_PER_FILE, 28, 28) + pixels.tobytes() * ROWS_PER_FILE


def write_cifar(image: Image.Image) -> bytes:
    """Return a binary batch of CIFAR-10 that repeats one image of class 3."""
    return (b"\x03" + np.asarray(image.resize((32, 32))).transpose(2, 0, 1).tobytes()) * ROWS_PER_FILE


def write_html(text: str) -> bytes:
    """Return a web page with a paragraph per line."""
    paragraphs = "".join(f"<p class='x'>{line}</p>" for line in text.splitlines())
    head = "<!doctype html><html><head><title>A page</title></head>"
    return f"{head}<body><table><tr><td>{paragraphs}</table>".encode()


def write_json_lines(text: str) -> bytes:
    """Return JSON lines with a row per line."""
    rows = ({"id": f"row {number}", "text": line, "label": "a"} for number, line in enumerate(text.splitlines()))
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table_writer(delimiter: str) -> Callable[[str], bytes]:
    """Return a function that writes a CSV table with a row per line."""

    def write(text: str) -> bytes:
        file = io.StringIO()
        rows = ((number, line, "a") for number, line in enumerate(text.splitlines()))
        csv.writer(file, delimiter=delimiter).writerows([("id", "text", "label"), *rows])
        return file.getvalue().encode()

    return write


def write_pdf(text: str) -> bytes:
    """Return a PDF file with one page of text."""
    lines = [re.sub(r"[^ -~]|[()\\]", "", line)[:90] for line in text.splitlines()[:40]]
    page = zlib.compress(b"BT /F1 9 Tf 12 TL 20 700 Td " + "".join(f"({line}) Tj T* " for line in lines).encode() + b"ET")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 720]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream" % (len(page), page),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    content, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj%s\nendobj\n" % (number, body)
    table = b"xref\n0 6\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return content + table + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % len(content)


def write_docx(text: str) -> bytes:
    """Return a Word document with a paragraph per line, and a table."""
    document, file = docx.Document(), io.BytesIO()
    for line in text.splitlines()[:20]:
        document.add_paragraph(re.sub(r"[^ -~]", "", line))
    document.add_table(2, 2).cell(0, 0).text = "a cell"
    document.save(file)
    return file.getvalue()


def write_npy(vectors: np.ndarray) -> bytes:
    """Return a NumPy file."""
    file = io.BytesIO()
    np.save(file, vectors)
    return file.getvalue()


def write_parquet(vectors: np.ndarray) -> bytes:
    """Return a Parquet table with an id and a vector per row."""
    file = io.BytesIO()
    columns = {"id": [f"row {number}" for number in range(len(vectors))], "vector": list(vectors)}
    pyarrow.parquet.write_table(pyarrow.table(columns), file)
    return file.getvalue()


FORMATS: dict[str, dict[str, Callable[..., bytes]]] = {  # by kind, then by the end of the file's name
    "images": {
        ".jpg": image_writer(format="JPEG"),
        "-progressive.jpg": image_writer(format="JPEG", progressive=True),
        ".png": image_writer(format="PNG"),
        "-palette.png": image_writer(format="PNG", mode="P"),
        ".webp": image_writer(format="WEBP"),
        ".gif": image_writer(format="GIF"),
        ".bmp": image_writer(format="BMP"),
        ".tif": image_writer(format="TIFF"),
        "-lzw.tif": image_writer(format="TIFF", compression="tiff_lzw"),
        "-float.tif": image_writer(format="TIFF", mode="F"),
        "-jpeg.tif": image_writer(format="TIFF", compression="jpeg"),
        ".ppm": image_writer(format="PPM"),
        "-images-idx3-ubyte": write_idx,
        "-images-idx3-ubyte.gz": lambda image: gzip.compress(write_idx(image)),
        ".bin": write_cifar,
    },
    "documents": {
        ".txt": lambda text: text.encode(),
        "-utf16.txt": lambda text: text.encode("utf-16"),
        ".html": write_html,
        ".jsonl": write_json_lines,
        ".jsonl.gz": lambda text: gzip.compress(write_json_lines(text)),
        ".csv": table_writer(","),
        ".csv.gz": lambda text: gzip.compress(table_writer(",")(text)),
        ".tsv": table_writer("\t"),
        ".pdf": write_pdf,
        ".docx": write_docx,
    },
    "vectors": {".npy": write_npy, ".parquet": write_parquet},
}
