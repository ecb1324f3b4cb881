"""Corrupt files are read or skipped by name, and never crash a reader; benchmarks/fuzz.py tests this at length."""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aesearch.readers.folder import read_files

N_FILES_PER_FORMAT = 30
IMAGE_FORMATS = (
    "jpeg", "png", "webp", "gif", "bmp", "tiff", "ppm", "avif", "jpeg2000", "ico", "tga", "dds", "pcx", "sgi", "qoi", "dib",
)  # fmt: skip


def encode_image(image_format: str) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    Image.fromarray(pixels).save(file, image_format)
    return file.getvalue()


def encode_docx() -> bytes:
    docx = pytest.importorskip("docx")
    document, file = docx.Document(), io.BytesIO()
    document.add_paragraph("threads and locks")
    document.save(file)
    return file.getvalue()


def encode_office() -> dict[str, bytes]:
    """Return a presentation, a workbook, and an OpenDocument file, by their endings."""
    pptx, openpyxl = pytest.importorskip("pptx"), pytest.importorskip("openpyxl")
    opendocument, elements = pytest.importorskip("odf.opendocument"), pytest.importorskip("odf.text")
    presentation, workbook, text = pptx.Presentation(), openpyxl.Workbook(), opendocument.OpenDocumentText()
    presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "threads and locks"
    workbook.active.append(["threads", 1.5])
    text.text.addElement(elements.P(text="threads and locks"))
    contents = {}
    for ending, document in ((".pptx", presentation), (".xlsx", workbook), (".odt", text)):
        file = io.BytesIO()
        document.save(file)
        contents[ending] = file.getvalue()
    return contents


def encode_message(subject: str) -> bytes:
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("threads and locks")
    message.add_alternative("<p>threads and <b>locks</b>", subtype="html")
    message.add_attachment(b"x", maintype="image", subtype="png", filename="größe.png")
    return message.as_bytes()


def encode_csv() -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows([("id", "text"), *((number, f'row "{number}", of many') for number in range(20))])
    return file.getvalue().encode()


def encode_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones((5, 8)))
    return file.getvalue()


def intact_files(kind: str) -> dict[str, bytes]:
    """Return the content of an intact file of each format, by its ending."""
    if kind == "images":
        formats = {image_format: encode_image(image_format) for image_format in IMAGE_FORMATS}
        return {f".{name.replace('jpeg2000', 'jp2')}": content for name, content in formats.items()}
    if kind == "vectors":
        return {".npy": encode_npy()}
    lines = b"".join(json.dumps({"id": number, "text": f"row {number}"}).encode() + b"\n" for number in range(20))
    return {
        ".html": b"<html><body><p>threads <b>and</b> locks</body></html>",
        ".jsonl": lines,
        ".jsonl.gz": gzip.compress(lines),
        ".csv": encode_csv(),
        ".docx": encode_docx(),
        **encode_office(),
        ".rtf": rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}} threads \'e4nd \u223? {\b locks}\par}",
        ".eml": encode_message("Größe"),
        ".mbox": b"".join(b"From a\n" + encode_message(f"message {number}") + b"\n" for number in range(3)),
        ".json": b'{"threads": ["and", {"locks": 1.5e3}]}',
        ".ipynb": b'{"cells": [{"cell_type": "markdown", "source": ["# threads\\n", "locks"]}], "nbformat": 4}',
        ".xml": b"<?xml version='1.0' encoding='utf-8'?><a><b c='d'>threads &amp; locks</b></a>",
    }


@pytest.mark.parametrize("kind", ["images", "documents", "vectors"])
def test_corrupt_files_are_read_or_skipped_by_name(
    kind: str, corrupt: Callable[[bytes, random.Random], bytes], tmp_path: Path
) -> None:
    formats = intact_files(kind)
    for ending, content in formats.items():
        folder = tmp_path / ending.strip(".")
        folder.mkdir()
        for number in range(N_FILES_PER_FORMAT):
            written = corrupt(content, random.Random(number)) if number else content
            (folder / f"{number:03}{ending}").write_bytes(written)
    files = read_files(tmp_path)
    items = list(files)
    assert {item.path for item in items} | {path.partition("#")[0] for path in files.skipped} == files.paths.keys()
    assert {item.path for item in items} >= {f"{ending.strip('.')}/000{ending}" for ending in formats}
    reasons = {path: skip.reason for path, skip in files.skipped.items()}
    failures = {path: reason for path, reason in reasons.items() if "reader failed" in reason or "crashed" in reason}
    assert not failures
