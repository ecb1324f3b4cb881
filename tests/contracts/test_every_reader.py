"""The contract of `aesearch.readers` for every name ending in the catalog. A new reader needs a sample file in SAMPLES."""

import base64
import gzip
import hashlib
import importlib.util
import inspect
import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import numpy as np
import odf.table
import odf.text
import openpyxl
import pptx
import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from odf.opendocument import OpenDocumentSpreadsheet, OpenDocumentText
from PIL import Image

from aesearch.catalog import READERS, CatalogEntry, find_reader
from aesearch.catalog.readers import CODE_ENDINGS, HEIF_ENDINGS, RAW_ENDINGS, SIDECAR_ENDINGS, TEXT_ENDINGS
from aesearch.errors import Unreadable
from aesearch.items import ITEM_KINDS, Item, ItemKind, SkipCategory
from aesearch.readers.files import read_file
from aesearch.readers.folder import read_files
from aesearch.readers.workers import Worker

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
VECTORS = np.random.default_rng(0).standard_normal((4, 8)).astype(np.float32)

TEXT = b"A thread waits for a lock.\n"
HTML = b"<html><head><title>Threads</title></head><body><p>A thread waits for a <b>lock</b>.</p></body></html>"
JSON_LINES = b"".join(json.dumps({"text": f"row {number}"}).encode() + b"\n" for number in range(4))
CSV = b"text,label\n" + b"".join(b"row %d,x\n" % number for number in range(4))
IDX = bytes([0, 0, 8, 3]) + np.array([3, 20, 30], ">i4").tobytes() + PIXELS.transpose(2, 0, 1).tobytes()
CIFAR = np.random.default_rng(0).integers(0, 10, (3, 1 + 3 * 32 * 32), np.uint8).tobytes()


def make_image(file_format: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, file_format)
    return file.getvalue()


SAVED_FORMATS = {  # Pillow's name of a format, and the mode to save
    ".jpg .jpeg .jpe .jfif .mpo": ("JPEG", "RGB"),
    ".png .apng": ("PNG", "RGB"),
    ".webp": ("WEBP", "RGB"),
    ".gif": ("GIF", "RGB"),
    ".bmp": ("BMP", "RGB"),
    ".tif .tiff": ("TIFF", "RGB"),
    ".avif .avifs": ("AVIF", "RGB"),
    ".jp2 .j2k .j2c .jpc .jpf .jpx": ("JPEG2000", "RGB"),
    ".qoi": ("QOI", "RGB"),
    ".ico": ("ICO", "RGB"),
    ".icns": ("ICNS", "RGB"),
    ".tga .icb .vda .vst": ("TGA", "RGB"),
    ".pcx": ("PCX", "RGB"),
    ".dds": ("DDS", "RGB"),
    ".ppm .pnm": ("PPM", "RGB"),
    ".pgm": ("PPM", "L"),
    ".pbm": ("PPM", "1"),
    ".pfm": ("PPM", "F"),
    ".sgi .rgb .rgba .bw": ("SGI", "RGB"),
    ".dib": ("DIB", "RGB"),
    ".xbm": ("XBM", "1"),
    ".msp": ("MSP", "1"),
    ".blp": ("BLP", "P"),
}


def make_psd() -> bytes:
    """Return a Photoshop file without layers: 20 x 30 pixels, three channels, not compressed."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 20, 30, 8, 3)
    return header + bytes(12) + struct.pack(">H", 0) + PIXELS.transpose(2, 0, 1).tobytes()


def make_cursor() -> bytes:
    """Return a Windows cursor: an icon with another type number, whose image is a bitmap."""
    icon = io.BytesIO()
    Image.fromarray(PIXELS).save(icon, "ICO", sizes=[(30, 20)], bitmap_format="bmp")
    return b"\0\0\2\0" + icon.getvalue()[4:]


def make_fits() -> bytes:
    """Return an astronomical image: cards of 80 characters in blocks of 2,880 bytes, then the pixels."""
    cards = ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 30", "NAXIS2  = 20", "END")
    header = "".join(f"{card[:10]}{card[10:].strip():>20}".ljust(80) for card in cards)
    return header.ljust(2880).encode() + PIXELS[..., 0].tobytes()


def make_flic() -> bytes:
    """Return an animation of one frame: a palette, and pixels that are copied."""
    palette = struct.pack("<IHHBB", 6 + 4 + 768, 4, 1, 0, 0) + bytes(range(256)) * 3
    copied = struct.pack("<IH", 6 + 600, 16) + PIXELS[..., 0].tobytes()
    frame = struct.pack("<IHH8x", 16 + len(palette) + len(copied), 0xF1FA, 2) + palette + copied
    header = struct.pack("<IHHHHHHI", 128 + len(frame), 0xAF12, 1, 30, 20, 8, 3, 70)
    return header.ljust(128, b"\0") + frame


def make_pcx_pages() -> bytes:
    page = make_image("PCX")
    return struct.pack("<III", 0x3ADE68B1, 12, 0) + page


def make_xpm() -> bytes:
    rows = ",\n".join('"' + "".join("ab"[value & 1] for value in row) + '"' for row in PIXELS[..., 0])
    return f'/* XPM */\nstatic char *x[] = {{\n"30 20 2 1",\n"a c #ff0000",\n"b c #0000ff",\n{rows}\n}};\n'.encode()


HEIF = base64.b64decode(  # 16 x 12 pixels, red with a blue corner; pillow-heif has written it
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAAAA"
    "AERAAAEAAQAAAAABoAABAAAAAAAAAEsAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/GlwcnAAAADc"
    "aXBjbwAAAHVodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQApQgEBA3AAAAMAkAAAAwAA"
    "AwAeoCCBBZbqrprm4CGgwIAAAAyAAAADAIRiAAEABkQBwXPBiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABAAAAAQAAAAChjbGFw"
    "AAAAEAAAAAEAAAAMAAAAAf///9AAAAAC////zAAAAAIAAAAQcGl4aQAAAAADCAgIAAAAGGlwbWEAAAAAAAAAAQABBYECAwWEAAAAU21kYXQAAABH"
    "KAGvCchqxhYizDyafwWwTG/IYzEl+YqYKCpxPPlLn6+zX8qXEjn/y3vXjyNtF2J8/U+n0PUdim50kcjQrOr2S/XDeqqifHA="
)


def make_raw() -> bytes:
    """Return a TIFF image, as the sensor data of a raw file, with a preview in JPEG behind it."""
    sensor, preview = io.BytesIO(), io.BytesIO()
    Image.effect_noise((30, 20), 50).save(sensor, "TIFF")
    Image.effect_noise((64, 48), 50).convert("RGB").save(preview, "JPEG")
    return sensor.getvalue() + preview.getvalue()


def make_images() -> dict[str, bytes]:
    """Return an image for every ending: Pillow writes most of them."""
    samples = {}
    for endings, (file_format, mode) in SAVED_FORMATS.items():
        file = io.BytesIO()
        Image.fromarray(PIXELS).convert(mode).save(file, file_format)
        samples |= dict.fromkeys(endings.split(), file.getvalue())
    plane = PIXELS[..., 0].tobytes()
    pcd = bytearray(96 * 2048 + 768 * 512 * 3 // 2)
    pcd[2048:2055] = b"PCD_IPI"
    return samples | {
        ".psd": make_psd(),
        ".cur": make_cursor(),
        **dict.fromkeys((".fit", ".fits"), make_fits()),
        **dict.fromkeys((".fli", ".flc"), make_flic()),
        ".dcx": make_pcx_pages(),
        ".xpm": make_xpm(),
        ".ras": struct.pack(">8I", 0x59A66A95, 30, 20, 8, 600, 1, 0, 0) + plane,
        ".gbr": struct.pack(">5I4sI1s", 29, 2, 30, 20, 1, b"GIMP", 10, b"\0") + plane,
        ".pxr": (b"\200\350\0\0".ljust(416, b"\0") + struct.pack("<4H", 20, 30, 0, 0) + struct.pack("<2H", 14, 2)).ljust(
            1024, b"\0"
        )
        + PIXELS.tobytes(),
        ".pcd": bytes(pcd),
        **dict.fromkeys((".ftc", ".ftu"), b"FTEX" + struct.pack("<8I", 0, 30, 20, 1, 1, 1, 32, 1800) + PIXELS.tobytes()),
        **dict.fromkeys(RAW_ENDINGS.split(), make_raw()),
        **dict.fromkeys((".heic", ".heif", ".hif"), HEIF),
    }


def make_pdf() -> bytes:
    text = b"BT /F1 12 Tf 20 100 Td (A thread waits for a lock.) Tj ET"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(text), text),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body = b"".join(b"%d 0 obj%s\nendobj\n" % (number, content) for number, content in enumerate(objects, 1))
    return b"%PDF-1.4\n" + body + b"trailer<</Size 6/Root 1 0 R>>\n%%EOF"  # PDFium rebuilds the missing table of objects


def make_docx() -> bytes:
    file = io.BytesIO()
    document = docx.Document()
    document.add_paragraph("A thread waits for a lock.")
    document.save(file)
    return file.getvalue()


def make_presentation() -> bytes:
    file = io.BytesIO()
    presentation = pptx.Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[5]).shapes.title.text = "A thread waits for a lock."
    presentation.save(file)
    return file.getvalue()


def make_workbook() -> bytes:
    file = io.BytesIO()
    workbook = openpyxl.Workbook()
    workbook.active.append(["A thread", "waits for a lock."])
    workbook.save(file)
    return file.getvalue()


def make_opendocument(*, is_spreadsheet: bool) -> bytes:
    file = io.BytesIO()
    document = OpenDocumentSpreadsheet() if is_spreadsheet else OpenDocumentText()
    paragraph = odf.text.P(text="A thread waits for a lock.")
    if is_spreadsheet:
        table, row, cell = odf.table.Table(name="Sheet"), odf.table.TableRow(), odf.table.TableCell()
        cell.addElement(paragraph)
        row.addElement(cell)
        table.addElement(row)
        document.spreadsheet.addElement(table)
    else:
        document.text.addElement(paragraph)
    document.save(file)
    return file.getvalue()


def make_book() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("META-INF/container.xml", '<container><rootfile full-path="book.opf"/></container>')
        manifest = '<manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        spine = '<spine><itemref idref="a"/></spine>'
        archive.writestr("book.opf", f'<package xmlns="http://www.idpf.org/2007/opf">{manifest}{spine}</package>')
        archive.writestr("a.xhtml", HTML)
    return file.getvalue()


def make_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, VECTORS)
    return file.getvalue()


def make_parquet() -> bytes:
    file = io.BytesIO()
    parquet.write_table(arrow.table({"embedding": VECTORS.tolist()}), file)
    return file.getvalue()


SAMPLES: dict[str, bytes] = {
    **make_images(),
    **dict.fromkeys((*TEXT_ENDINGS.split(), *CODE_ENDINGS.split(), *SIDECAR_ENDINGS.split()), TEXT),
    **dict.fromkeys((".html", ".htm", ".xhtml"), HTML),
    ".jsonl": JSON_LINES,
    ".jsonl.gz": gzip.compress(JSON_LINES),
    ".csv": CSV,
    ".csv.gz": gzip.compress(CSV),
    ".tsv": CSV.replace(b",", b"\t"),
    ".pdf": make_pdf(),
    **dict.fromkeys((".docx", ".docm"), make_docx()),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), make_presentation()),
    **dict.fromkeys((".xlsx", ".xlsm"), make_workbook()),
    ".odt": make_opendocument(is_spreadsheet=False),
    ".ods": make_opendocument(is_spreadsheet=True),
    ".rtf": rb"{\rtf1\ansi A thread waits for a lock.\par}",
    ".epub": make_book(),
    ".eml": b"Subject: Threads\nFrom: a@b.example\n\nA thread waits for a lock.\n",
    ".mbox": b"From a\nSubject: one\n\nA thread waits.\n\nFrom a\nSubject: two\n\nIt waits for a lock.\n",
    **dict.fromkeys((".mhtml", ".mht"), b"Content-Type: text/html\n\n<title>Threads</title><p>A thread waits for a lock."),
    ".ipynb": b'{"cells": [{"cell_type": "code", "source": ["# A thread waits\\n", "lock()"]}], "nbformat": 4}',
    ".json": b'{"title": "Threads", "text": "A thread waits for a lock."}',
    **dict.fromkeys((".xml", ".rss", ".atom", ".opml"), b"<page><title>Threads</title>A thread waits for a lock.</page>"),
    "images-idx3-ubyte": IDX,
    "images-idx3-ubyte.gz": gzip.compress(IDX),
    ".bin": CIFAR,
    ".npy": make_npy(),
    ".parquet": make_parquet(),
}

PLAIN_TEXT = {*TEXT_ENDINGS.split(), *CODE_ENDINGS.split(), *SIDECAR_ENDINGS.split()}

READABLE_WHEN_TRUNCATED = PLAIN_TEXT | {
    ".html", ".htm", ".xhtml", ".mhtml", ".mht", ".csv", ".tsv", ".rtf", ".eml", ".mbox", ".icns",
}  # fmt: skip
"""Formats without an end mark: a truncated file is a valid, shorter file."""

ISOLATED = [ending for ending, entry in READERS.items() if entry.is_isolated]

DECODING = [ending for ending, entry in READERS.items() if entry.decodes_text]

Result = Item | Unreadable


@pytest.fixture(params=READERS)
def ending(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def entry(ending: str) -> CatalogEntry:
    return READERS[ending]


@pytest.fixture
def path(ending: str, tmp_path: Path) -> Path:
    """A file of the format."""
    if ending in HEIF_ENDINGS.split():
        pytest.importorskip("pi_heif")
    if ending not in SAMPLES:
        pytest.fail(f"no sample of a {ending} file; add one to SAMPLES")
    path = tmp_path / f"sample{ending}"
    path.write_bytes(SAMPLES[ending])
    return path


def read(entry: CatalogEntry, path: Path | str) -> list[Result]:
    """Return the reader's results, with an Unreadable that it raises as the last one."""
    results: list[Result] = []
    try:
        results.extend(entry.load()(path))
    except Unreadable as error:
        results.append(error)
    return results


def fingerprints(results: list[Result]) -> list[tuple[object, ...]]:
    """Return everything that two readings of a file must have in common."""
    return [
        (result.id, result.label, result.digest, np.asarray(result.content).tolist(), result.kind)
        if isinstance(result, Item)
        else (result.path, result.reason)
        for result in results
    ]


def test_samples_cover_only_the_catalog() -> None:
    assert SAMPLES.keys() <= READERS.keys()


def test_reader_is_found_by_the_file_name(entry: CatalogEntry, path: Path) -> None:
    assert find_reader(path) is entry
    assert find_reader(str(path).upper()) is entry


def test_reader_yields_items_of_its_kind(entry: CatalogEntry, path: Path) -> None:
    items = read(entry, path)
    assert items
    for item in items:
        assert isinstance(item, Item)
        assert item.kind in entry.kinds
        assert item.path == str(path)
        assert item.digest is not None
        assert len(item.digest) == hashlib.sha256().digest_size


def test_reader_ids_match_the_layout(entry: CatalogEntry, path: Path) -> None:
    items = [result for result in read(entry, path) if isinstance(result, Item)]
    if entry.layout is None:
        assert [item.id for item in items] == [""]
        assert items[0].digest == hashlib.sha256(path.read_bytes()).digest()
    else:
        first = int(items[0].id.removeprefix("#"))
        assert len(items) > 1
        assert [item.id for item in items] == [f"#{first + number}" for number in range(len(items))]
        assert len({item.digest for item in items}) == len(items)


def test_reader_takes_the_keywords_of_its_layout(entry: CatalogEntry) -> None:
    keywords = set(inspect.signature(entry.load()).parameters) - {"path"}
    assert ("fields" in keywords) == (entry.layout == "table")
    assert ("encoding" in keywords) == entry.decodes_text
    assert ("size" in keywords) == (entry.layout is None and entry.kinds == ("images",))


def test_reader_yields_the_same_twice(entry: CatalogEntry, path: Path) -> None:
    expected = fingerprints(read(entry, path))
    assert fingerprints(read(entry, path)) == expected
    assert fingerprints(read(entry, str(path))) == expected


def test_complete_file_has_no_warning(entry: CatalogEntry, path: Path) -> None:
    assert [item.warning for item in read(entry, path) if isinstance(item, Item)] == [None] * len(read(entry, path))


@pytest.mark.parametrize("ending", DECODING, indirect=True)
def test_text_is_the_same_in_every_encoding(ending: str, entry: CatalogEntry, path: Path) -> None:
    text = "Größe und Übermut, Straßen und Plätze, müde und fröhlich, für alle Jäger"
    is_packed = ending.endswith(".gz")
    source = (gzip.decompress(SAMPLES[ending]) if is_packed else SAMPLES[ending]).decode()
    source = source.replace("lock", text).replace("row 2", f'"{text}"' if "csv" in ending else text)
    contents = []
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"):
        content = source.encode(encoding)
        path.write_bytes(gzip.compress(content) if is_packed else content)
        contents.append([item.content for item in read(entry, path) if isinstance(item, Item)])
        assert any(text in str(content) for content in contents[-1])
    assert contents == [contents[0]] * len(contents)


def test_empty_file_is_unreadable(path: Path) -> None:
    path.write_bytes(b"")
    (result,) = read_file(path)
    assert isinstance(result, Unreadable)
    assert not result.transient
    assert "reader failed" not in result.reason


@pytest.mark.filterwarnings("ignore:Truncated File Read")  # Pillow, for TIFF
@pytest.mark.parametrize("share", [0.05, 0.55, 0.95])
def test_truncated_file_is_unreadable(entry: CatalogEntry, ending: str, path: Path, share: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    results = read(entry, path)  # which fails for any exception but Unreadable
    if ending not in READABLE_WHEN_TRUNCATED:
        assert isinstance(results[-1], Unreadable)
        assert results[-1].reason


def test_missing_file_is_transient(path: Path) -> None:
    path.unlink()
    (result,) = read_file(path)
    assert isinstance(result, Unreadable)
    assert result.transient
    assert "cannot be opened" in result.reason


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()


@pytest.mark.parametrize("ending", ISOLATED, indirect=True)
def test_isolated_reader_works_in_a_worker(entry: CatalogEntry, path: Path, worker: Worker) -> None:
    assert entry.layout is None
    worker.send([str(path)], {})
    assert fingerprints(worker.receive()) == fingerprints(read(entry, path))


@pytest.mark.parametrize("kind", ITEM_KINDS)
def test_folder_of_all_formats_is_read(kind: ItemKind, tmp_path: Path) -> None:
    has_heif = importlib.util.find_spec("pi_heif") is not None
    samples = {ending: SAMPLES[ending] for ending in SAMPLES if has_heif or ending not in HEIF_ENDINGS.split()}
    for ending, content in samples.items():
        (tmp_path / f"sample{ending}").write_bytes(content)
    files = read_files(tmp_path, kind=kind)
    ids = [item.id for item in files]
    assert len(set(ids)) == len(ids)
    assert {id.partition("#")[0] for id in ids} == {
        f"sample{ending}" for ending in samples if READERS[ending].kinds == (kind,)
    }
    assert {skip.category for skip in files.skipped.values()} == {SkipCategory.OTHER_KIND}
