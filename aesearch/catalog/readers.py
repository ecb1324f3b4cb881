"""The readers, by the end of a file's name."""

from __future__ import annotations

import os

from aesearch.catalog.entries import CatalogEntry

_IMAGE = CatalogEntry("aesearch.readers.images:read", kinds=("images",), is_isolated=True)
_TEXT = CatalogEntry("aesearch.readers.text:read", kinds=("documents",), decodes_text=True)
_CODE = CatalogEntry("aesearch.readers.text:read", kinds=("documents",), decodes_text=True, role="code")
_SIDECAR = CatalogEntry("aesearch.readers.text:read", kinds=("documents",), decodes_text=True, role="sidecar")
_HTML = CatalogEntry("aesearch.readers.html:read", kinds=("documents",), decodes_text=True, is_isolated=True)
_JSON_LINES = CatalogEntry("aesearch.readers.tables:read_json_lines", "", ("documents",), layout="table", decodes_text=True)
_CSV = CatalogEntry("aesearch.readers.tables:read_csv", "", ("documents",), layout="table", decodes_text=True)
_IDX = CatalogEntry("aesearch.readers.image_sets:read_idx", kinds=("images",), layout="images")
_CIFAR = CatalogEntry("aesearch.readers.image_sets:read_cifar", kinds=("images",), layout="images")
_NPY = CatalogEntry("aesearch.readers.vectors:read_npy", kinds=("vectors",), layout="vectors")
_PARQUET = CatalogEntry("aesearch.readers.vectors:read_parquet", kinds=("vectors",), layout="table")
_PDF = CatalogEntry("aesearch.readers.pdf:read", kinds=("documents",), is_isolated=True)
_WORD = CatalogEntry("aesearch.readers.docx:read", kinds=("documents",), is_isolated=True)
_POWERPOINT = CatalogEntry("aesearch.readers.pptx:read", kinds=("documents",), is_isolated=True)
_EXCEL = CatalogEntry("aesearch.readers.xlsx:read", kinds=("documents",), is_isolated=True)
_ODT = CatalogEntry("aesearch.readers.odf:read_text", kinds=("documents",), is_isolated=True)
_ODS = CatalogEntry("aesearch.readers.odf:read_spreadsheet", kinds=("documents",), is_isolated=True)
_RTF = CatalogEntry("aesearch.readers.rtf:read", kinds=("documents",), is_isolated=True)
_EPUB = CatalogEntry("aesearch.readers.epub:read", kinds=("documents",), is_isolated=True)
_EMAIL = CatalogEntry("aesearch.readers.mail:read_message", kinds=("documents",), is_isolated=True)
_MAILBOX = CatalogEntry("aesearch.readers.mail:read_mailbox", kinds=("documents",), layout="messages")
_WEB_ARCHIVE = CatalogEntry("aesearch.readers.mail:read_web_archive", kinds=("documents",), is_isolated=True)
_NOTEBOOK = CatalogEntry("aesearch.readers.structured_text:read_notebook", kinds=("documents",), is_isolated=True)
_JSON = CatalogEntry(
    "aesearch.readers.structured_text:read_json",
    kinds=("documents",),
    decodes_text=True,
    is_isolated=True,
    role="sidecar",
)
_XML = CatalogEntry(
    "aesearch.readers.structured_text:read_xml", kinds=("documents",), decodes_text=True, is_isolated=True, role="sidecar"
)

IMAGE_ENDINGS = """
    .jpg .jpeg .png .webp .gif .bmp .tif .tiff .avif .jpe .jfif .mpo .jp2 .j2k .j2c .jpc .jpf .jpx .apng .avifs .psd .qoi
    .ico .cur .icns .tga .icb .vda .vst .pcx .dcx .dds .ppm .pgm .pbm .pnm .pfm .sgi .rgb .rgba .bw .ras .dib .xbm .xpm .msp
    .fit .fits .blp .ftc .ftu .gbr .pcd .pxr .fli .flc
"""
"""What Pillow decodes itself. A test compares the list with Pillow's, which would be too slow to import here."""
HEIF_ENDINGS = ".heic .heif .hif"
RAW_ENDINGS = """
    .cr2 .nef .nrw .arw .sr2 .srf .dng .orf .rw2 .rwl .pef .srw .raf .3fr .fff .iiq .mos .mrw .erf .kdc .dcr .mef
"""
"""Raw files of cameras; their previews are read."""
TEXT_ENDINGS = ".txt .text .md .markdown .rst .adoc .org .tex .bib"
CODE_ENDINGS = """
    .py .pyi .pyx .js .mjs .cjs .jsx .ts .tsx .vue .svelte .c .h .cc .cpp .cxx .hh .hpp .hxx .m .mm .cs .java .kt .kts
    .scala .groovy .gradle .swift .go .rs .zig .d .rb .php .pl .pm .lua .r .jl .hs .ml .mli .fs .fsx .vb .pas .f .f90 .f95
    .for .asm .s .clj .cljs .lisp .el .scm .erl .hrl .ex .exs .nim .dart .sol .v .vhd .vhdl .sh .bash .zsh .fish .ps1 .bat
    .cmd .awk .sql .css .scss .sass .less .proto .graphql .cmake .mk .tf .sty .cls
"""
SIDECAR_ENDINGS = ".log .ini .cfg .conf .toml .yaml .yml .properties .env .json5 .jsonc"

READERS: dict[str, CatalogEntry] = {  # by the end of a file's name in lower case; the longest match wins
    **dict.fromkeys((*IMAGE_ENDINGS.split(), *HEIF_ENDINGS.split(), *RAW_ENDINGS.split()), _IMAGE),
    **dict.fromkeys(TEXT_ENDINGS.split(), _TEXT),
    **dict.fromkeys((".html", ".htm", ".xhtml"), _HTML),
    **dict.fromkeys((".jsonl", ".jsonl.gz"), _JSON_LINES),
    **dict.fromkeys((".csv", ".csv.gz", ".tsv"), _CSV),
    ".pdf": _PDF,
    **dict.fromkeys((".docx", ".docm"), _WORD),
    **dict.fromkeys((".pptx", ".pptm", ".ppsx"), _POWERPOINT),
    **dict.fromkeys((".xlsx", ".xlsm"), _EXCEL),
    ".odt": _ODT,
    ".ods": _ODS,
    ".rtf": _RTF,
    ".epub": _EPUB,
    ".eml": _EMAIL,
    ".mbox": _MAILBOX,
    **dict.fromkeys((".mhtml", ".mht"), _WEB_ARCHIVE),
    ".ipynb": _NOTEBOOK,
    ".json": _JSON,
    **dict.fromkeys((".xml", ".rss", ".atom", ".opml"), _XML),
    **dict.fromkeys(CODE_ENDINGS.split(), _CODE),
    **dict.fromkeys(SIDECAR_ENDINGS.split(), _SIDECAR),
    **dict.fromkeys(("images-idx3-ubyte", "images-idx3-ubyte.gz"), _IDX),
    ".bin": _CIFAR,
    ".npy": _NPY,
    ".parquet": _PARQUET,
}

_LENGTHS = sorted({len(ending) for ending in READERS}, reverse=True)


def find_reader(path: str | os.PathLike[str]) -> CatalogEntry | None:
    """Return the reader for a file by its name, or None if there is none.

    A file without a suffix, such as README or Makefile, has the reader of plain text.
    """
    path = os.fspath(path)
    name = path[-_LENGTHS[0] :].lower()
    for length in _LENGTHS:  # the longest ending first
        if name[-length:] in READERS:
            return READERS[name[-length:]]
    return None if has_suffix(path) else _SIDECAR


def has_suffix(path: str) -> bool:
    """Return whether the name of a file has a suffix, such as ".txt"."""
    return "." in os.path.basename(path)  # noqa: PTH119  # Path objects are slow
