"""Every name that a user may type, and where it lives.

Four plain dicts of strings: nothing is imported until a name is asked for.  The command line's choices, its help, the
README's table and the contract tests all read these; there is no second list.  To add a coder, a reader, a kind of
features or a store, write its file and add its line here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from aesearch.errors import BadSetting, UnknownName, WrongKind
from aesearch.items import KINDS, Kind


@dataclass(frozen=True)
class Entry:
    """Where a name lives (`module:attribute`), what it is for, and the keywords that make it this variant."""

    target: str
    summary: str = ""
    kinds: tuple[Kind, ...] = KINDS
    keywords: Mapping[str, Any] = field(default_factory=dict)
    rows: Literal["table", "pictures", "vectors"] | None = None
    """What a reader of many items a file yields; a reader of a table takes `fields` too."""
    apart: bool = False
    """Whether a reader of one item a file is slow, or may crash, and so reads in a process of its own."""

    def load(self) -> Any:
        module, attribute = self.target.split(":")
        return getattr(import_module(module), attribute)


_IMAGE = Entry("aesearch.readers.images:read", kinds=("images",), apart=True)
_TEXT = Entry("aesearch.readers.text:read", kinds=("documents",))
_HTML = Entry("aesearch.readers.text:read_html", kinds=("documents",), apart=True)
_ROWS = Entry("aesearch.readers.tables:read_json_lines", kinds=("documents",), rows="table")
_CSV = Entry("aesearch.readers.tables:read_csv", kinds=("documents",), rows="table")
_IDX = Entry("aesearch.readers.standard_sets:read_idx", kinds=("images",), rows="pictures")
_CIFAR = Entry("aesearch.readers.standard_sets:read_cifar", kinds=("images",), rows="pictures")
_NPY = Entry("aesearch.readers.vectors:read_npy", kinds=("vectors",), rows="vectors")
_PARQUET = Entry("aesearch.readers.vectors:read_parquet", kinds=("vectors",), rows="table")

READERS: dict[str, Entry] = {  # by the end of a file's name, in lower case; the longest that fits is used
    **dict.fromkeys((".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"), _IMAGE),
    **dict.fromkeys((".txt", ".text", ".md", ".rst"), _TEXT),
    **dict.fromkeys((".html", ".htm"), _HTML),
    **dict.fromkeys((".jsonl", ".jsonl.gz"), _ROWS),
    **dict.fromkeys((".csv", ".csv.gz", ".tsv"), _CSV),
    ".pdf": Entry("aesearch.readers.pdf:read", kinds=("documents",), apart=True),
    ".docx": Entry("aesearch.readers.office:read_docx", kinds=("documents",), apart=True),
    **dict.fromkeys(("images-idx3-ubyte", "images-idx3-ubyte.gz"), _IDX),
    ".bin": _CIFAR,
    ".npy": _NPY,
    ".parquet": _PARQUET,
}

FEATURES: dict[str, Entry] = {
    "pixels": Entry("aesearch.features.pixels:Pixels", "a picture's pixels, at one small size", ("images",)),
    "words": Entry("aesearch.features.words:Words", "a document's words, weighted by TF-IDF", ("documents",)),
    "vectors": Entry("aesearch.features.vectors:Vectors", "the numbers themselves", ("vectors",)),
    "pretrained": Entry(
        "aesearch.features.pretrained:Pretrained",
        "what a pretrained model says of a picture or a text (extra: pretrained)",
        ("images", "documents"),
    ),
}

MODELS: dict[Kind, Entry] = {  # that pretrained features use where no other is named
    "images": Entry("aesearch.autoencoders.backbones:efficientnet_lite0"),
    "documents": Entry("aesearch.features.pretrained:minilm"),
}

_AUTOENCODER = "aesearch.autoencoders.autoencoder:Autoencoder"

# Noise that keeps the mean: masking alone darkens what is learnt from, and then clean pictures are none that were seen.
CODERS: dict[str, Entry] = {
    "neighbours": Entry(
        "aesearch.autoencoders.neighbours:Neighbours",
        "autoencoder that gives back an item's neighbours (after NbrReg 2018, PairRec 2020)",
    ),
    "dense": Entry(_AUTOENCODER, "autoencoder of fully connected layers", keywords={"body": "dense"}),
    "linear": Entry(
        _AUTOENCODER,
        "autoencoder of one linear layer, there and back by the same weights: PCA by another road (Baldi & Hornik 1989)",
        # Tied: a way back of its own begins as noise over every word, which drowns what there is to learn of sparse rows.
        keywords={"layers": (), "loss": "mse", "tied": True},
    ),
    "deep": Entry(
        _AUTOENCODER,
        "autoencoder of four layers each way, trained one by one, then as a whole (Hinton & Salakhutdinov 2006)",
        keywords={"layers": (1000, 500, 250), "pretrained_layers": True},
    ),
    "convolutional": Entry(
        _AUTOENCODER,
        "autoencoder of strided convolutions (Masci et al. 2011)",
        kinds=("images",),
        keywords={"body": "convolutional"},
    ),
    "denoising": Entry(
        _AUTOENCODER,
        "autoencoder that restores what noise took away (Vincent et al. 2008)",
        keywords={"body": "dense", "noise": "dropout"},
    ),
    "stacked-denoising": Entry(
        _AUTOENCODER,
        "deep autoencoder whose layers each learn to take noise away (Vincent et al. 2010)",
        keywords={"layers": (1000, 500, 250), "pretrained_layers": True, "noise": "dropout"},
    ),
    "sparse": Entry(
        "aesearch.autoencoders.sparse:Sparse",
        "autoencoder of whose units few are active at a time (Olshausen & Field 1996; Ng 2011)",
    ),
    "contractive": Entry(
        "aesearch.autoencoders.contractive:Contractive",
        "autoencoder whose codes move little when the input does (Rifai et al. 2011)",
    ),
    "regularised": Entry(
        _AUTOENCODER,
        "autoencoder with tied weights, dropout and weight decay (Srivastava et al. 2014)",
        keywords={"tied": True, "dropout": 0.1, "weight_decay": 0.01},
    ),
    "variational": Entry(
        "aesearch.autoencoders.variational:Variational",
        "autoencoder of regions that fill a normal distribution; draws new items (Kingma & Welling 2014)",
    ),
    "variational-denoising": Entry(
        "aesearch.autoencoders.variational:Variational",
        "the same, restoring what noise took away (Im et al. 2017)",
        keywords={"noise": "dropout"},
    ),
    "masked": Entry(
        "aesearch.autoencoders.masked:Masked",
        "transformer that guesses the hidden patches of pictures (He et al. 2021)",
        kinds=("images",),
    ),
    "hashing": Entry(
        "aesearch.autoencoders.hashing:Hashing",
        "autoencoder whose codes are bits (Salakhutdinov & Hinton 2007; Krizhevsky & Hinton 2011)",
    ),
    "pca": Entry("aesearch.coders.linear:PCA", "baseline: principal components", ("images", "vectors")),
    "pca-whitened": Entry(
        "aesearch.coders.linear:PCA",
        "baseline: principal components, each of unit variance, compared by cosine",
        kinds=("images", "vectors"),
        keywords={"whiten": True},
    ),
    "lsa": Entry("aesearch.coders.linear:LSA", "baseline: latent semantic analysis", ("documents",)),
    "raw": Entry("aesearch.coders.linear:Raw", "baseline: no code at all, the features themselves"),
}

DEFAULT_CODER: dict[Kind, str] = dict.fromkeys(KINDS, "neighbours")
DEFAULT_FEATURES: dict[Kind, str] = {"images": "pixels", "documents": "words", "vectors": "vectors"}

STORES: dict[str, Entry] = {
    "faiss": Entry("aesearch.stores.faiss:FaissStore", "exact search over floats or bits, in memory"),
    "sparse": Entry("aesearch.stores.sparse:SparseStore", "exact search over sparse rows, in memory"),
}


def look_up(table: Mapping[str, Entry], what: str, name: str) -> Entry:
    """The entry called `name`.  Raises UnknownName, which offers the nearest name there is."""
    if name not in table:
        raise UnknownName(what, name, table)
    return table[name]


def new_coder(name: str, kind: Kind | None = None, **settings: Any) -> Any:
    """The coder called `name`, not yet fitted.  `kind`, if given, is what it is to code.

    Raises UnknownName, WrongKind where the coder is not for that kind, and BadSetting for a setting it does not have.
    """
    entry = look_up(CODERS, "coder", name)
    if kind is not None and kind not in entry.kinds:
        fitting = ", ".join(other for other in CODERS if kind in CODERS[other].kinds)
        raise WrongKind(f'coder "{name}" is for {entry.kinds[0]}; for {kind} choose from {fitting}')
    make = entry.load()
    known = make.setting_names()
    for setting in settings:
        if setting not in known:
            raise BadSetting(f'coder "{name}" has no setting "{setting}"; its settings are {", ".join(known)}')
    coder = make(**{**entry.keywords, **settings})
    coder.name = name
    return coder


_LENGTHS = sorted({len(ending) for ending in READERS}, reverse=True)


def reader_of(path: str | os.PathLike[str]) -> Entry | None:
    """The reader for a file of that name; None where there is none."""
    name = os.fspath(path)[-_LENGTHS[0] :].lower()
    for length in _LENGTHS:  # the longest ending first
        if name[-length:] in READERS:
            return READERS[name[-length:]]
    return None
