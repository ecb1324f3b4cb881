"""Every name that a user may type, and the implementation behind it.

Plain dicts of strings: nothing is imported until an entry is loaded. The choices and help of the command line, the
documentation and the contract tests all read these dicts. To add a coder, a reader, features or a store, write one file and
add one entry.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aesearch.catalog.entries import CatalogEntry
from aesearch.catalog.readers import READERS, find_reader, has_suffix
from aesearch.errors import InvalidParameter, UnknownName, WrongKind
from aesearch.items import ITEM_KINDS, ItemKind

__all__ = [
    "CODERS",
    "DEFAULT_CODERS",
    "DEFAULT_FEATURES",
    "FEATURES",
    "IMAGE_CONTENTS",
    "PRETRAINED_MODELS",
    "READERS",
    "STORES",
    "CatalogEntry",
    "create_coder",
    "create_store",
    "find_reader",
    "has_suffix",
    "lookup",
]


FEATURES: dict[str, CatalogEntry] = {
    "pixels": CatalogEntry("aesearch.features.pixels:Pixels", "pixels of an image, resized to one small size", ("images",)),
    "bag-of-words": CatalogEntry(
        "aesearch.features.bag_of_words:BagOfWords", "TF-IDF weights of the words of a document", ("documents",)
    ),
    "vectors": CatalogEntry("aesearch.features.vectors:Vectors", "the vectors themselves", ("vectors",)),
    "pretrained": CatalogEntry(
        "aesearch.features.pretrained:Pretrained",
        "embedding of an image or a text by a pretrained model (extra: pretrained)",
        ("images", "documents"),
    ),
}

PRETRAINED_MODELS: dict[ItemKind, CatalogEntry] = {  # the default models of the pretrained features
    "images": CatalogEntry("aesearch.autoencoders.backbones:efficientnet_lite0"),
    "documents": CatalogEntry("aesearch.features.pretrained:minilm"),
}

_AUTOENCODER = "aesearch.autoencoders.autoencoder:Autoencoder"

CODERS: dict[str, CatalogEntry] = {
    "auto": CatalogEntry("aesearch.coders.auto:AutoCoder", "the best of several coders on held-out items"),
    "neighbors": CatalogEntry(
        "aesearch.autoencoders.neighbors:NeighborAutoencoder",
        "autoencoder trained to reconstruct the neighbors of each item (after NbrReg 2018, PairRec 2020)",
    ),
    "blend": CatalogEntry(
        "aesearch.coders.blend:Blend", "principal components of the codes of the neighbor autoencoder and of a baseline"
    ),
    "dense": CatalogEntry(_AUTOENCODER, "autoencoder of fully connected layers", params={"architecture": "dense"}),
    "linear": CatalogEntry(
        _AUTOENCODER,
        "autoencoder of one linear layer with tied weights; learns the PCA subspace (Baldi & Hornik 1989)",
        # An untied decoder starts as noise over every word, which drowns the signal of sparse rows.
        params={"layers": (), "loss": "mse", "tied": True},
    ),
    "deep": CatalogEntry(
        _AUTOENCODER,
        "autoencoder of four layers each way, pretrained layer by layer (Hinton & Salakhutdinov 2006)",
        params={"layers": (1000, 500, 250), "layerwise_pretraining": True},
    ),
    "convolutional": CatalogEntry(
        _AUTOENCODER,
        "autoencoder of strided convolutions (Masci et al. 2011)",
        kinds=("images",),
        params={"architecture": "convolutional"},
    ),
    # Dropout noise keeps the mean of the input. Masking alone makes training images darker than the clean ones seen later.
    "denoising": CatalogEntry(
        _AUTOENCODER,
        "autoencoder that reconstructs the clean input from a noisy one (Vincent et al. 2008)",
        params={"architecture": "dense", "noise": "dropout"},
    ),
    "stacked-denoising": CatalogEntry(
        _AUTOENCODER,
        "deep autoencoder whose layers are pretrained as denoising autoencoders (Vincent et al. 2010)",
        params={"layers": (1000, 500, 250), "layerwise_pretraining": True, "noise": "dropout"},
    ),
    "sparse": CatalogEntry(
        "aesearch.autoencoders.sparse:SparseAutoencoder",
        "autoencoder whose codes have few active units (Olshausen & Field 1996; Ng 2011)",
    ),
    "contractive": CatalogEntry(
        "aesearch.autoencoders.contractive:ContractiveAutoencoder",
        "autoencoder whose codes change little when the input does (Rifai et al. 2011)",
    ),
    "regularized": CatalogEntry(
        _AUTOENCODER,
        "autoencoder with tied weights, dropout and weight decay (Srivastava et al. 2014)",
        params={"tied": True, "dropout": 0.1, "weight_decay": 0.01},
    ),
    "variational": CatalogEntry(
        "aesearch.autoencoders.variational:VariationalAutoencoder",
        "autoencoder with normally distributed codes; samples new items (Kingma & Welling 2014)",
    ),
    "variational-denoising": CatalogEntry(
        "aesearch.autoencoders.variational:VariationalAutoencoder",
        "variational autoencoder trained on noisy input (Im et al. 2017)",
        params={"noise": "dropout"},
    ),
    "masked": CatalogEntry(
        "aesearch.autoencoders.masked:MaskedAutoencoder",
        "transformer that predicts masked image patches (He et al. 2021)",
        kinds=("images",),
    ),
    "hashing": CatalogEntry(
        "aesearch.autoencoders.hashing:HashingAutoencoder",
        "autoencoder with binary codes (Salakhutdinov & Hinton 2007; Krizhevsky & Hinton 2011)",
    ),
    "descriptors": CatalogEntry(
        "aesearch.autoencoders.descriptor_pca:DescriptorPCA",
        "baseline: principal components of the descriptors of images",
        kinds=("images",),
    ),
    "pca": CatalogEntry("aesearch.coders.linear:PCA", "baseline: principal component analysis", ("images", "vectors")),
    "pca-whitened": CatalogEntry(
        "aesearch.coders.linear:PCA",
        "baseline: principal components scaled to unit variance, compared by cosine",
        kinds=("images", "vectors"),
        params={"whiten": True},
    ),
    "lsa": CatalogEntry("aesearch.coders.linear:LSA", "baseline: latent semantic analysis", ("documents",)),
    "raw": CatalogEntry("aesearch.coders.linear:Raw", "baseline: the features themselves, not encoded"),
}

IMAGE_CONTENTS = CatalogEntry(
    "aesearch.autoencoders.contents:fit_image_contents", "what images show, for the label-free score", kinds=("images",)
)

DEFAULT_CODERS: dict[ItemKind, str] = dict.fromkeys(ITEM_KINDS, "auto")
DEFAULT_FEATURES: dict[ItemKind, str] = {"images": "pixels", "documents": "bag-of-words", "vectors": "vectors"}

STORES: dict[str, CatalogEntry] = {  # in order of preference: the default is the first that supports the codes
    "flat": CatalogEntry("aesearch.stores.flat:FlatStore", "exact search over floats or bits, in memory"),
    "sparse": CatalogEntry("aesearch.stores.sparse:SparseStore", "exact search over sparse rows, in memory"),
}


def lookup(table: Mapping[str, CatalogEntry], what: str, name: str) -> CatalogEntry:
    """Return the entry `name` of a table.

    Raises
    ------
    UnknownName
        If there is none; the message calls it `what` and suggests the closest name.
    """
    if name not in table:
        raise UnknownName(what, name, table)
    return table[name]


def create_coder(name: str, kind: ItemKind | None = None, **params: Any) -> Any:
    """Return a new, unfitted coder.

    Parameters
    ----------
    name : str
        A name in CODERS.
    kind : ItemKind, optional
        Kind of items to encode, if known.
    **params
        Parameters of the coder; they override those of its catalog entry.

    Raises
    ------
    UnknownName
        If there is no such coder.
    WrongKind
        If the coder cannot encode `kind`.
    InvalidParameter
        If the coder has no such parameter, or refuses its value.
    """
    entry = lookup(CODERS, "coder", name)
    if kind is not None and kind not in entry.kinds:
        suitable = ", ".join(other for other in CODERS if kind in CODERS[other].kinds)
        raise WrongKind(f'coder "{name}" encodes {" and ".join(entry.kinds)}; for {kind} choose from {suitable}')
    coder_class = entry.load()
    known = coder_class.param_names()
    for param in params:
        if param not in known:
            remedy = f"its parameters are {', '.join(known)}" if known else "it has no parameters"
            if name == "auto":
                remedy += '; those of a network can be set if you choose it, such as "neighbors" (--coder)'
            raise InvalidParameter(f'coder "{name}" has no parameter "{param}"; {remedy}')
    coder = coder_class(**{**entry.params, **params})
    coder.name = name
    return coder


def create_store(name: str | None, metric: str, width: int, *, is_sparse: bool) -> Any:
    """Return a new, empty store.

    Parameters
    ----------
    name : str or None
        A name in STORES; None for the first one that supports the codes.
    metric : {"cosine", "l2", "hamming"}
        How codes are compared.
    width : int
        Columns of the code matrix: dimensions, or bytes for "hamming".
    is_sparse : bool
        Whether the codes are a sparse matrix.

    Raises
    ------
    UnknownName
        If there is no such store.
    InvalidParameter
        If the store does not support such codes.
    """
    if name is not None:
        store_class = lookup(STORES, "store", name).load()
        if store_class.is_sparse != is_sparse:
            raise InvalidParameter(
                f'store "{name}" does not hold {"sparse" if is_sparse else "dense"} codes; choose another one (--store)'
            )
        return store_class(metric, width)
    for entry in STORES.values():
        store_class = entry.load()
        if metric in store_class.metrics and store_class.is_sparse == is_sparse:
            return store_class(metric, width)
    raise InvalidParameter(f'no store holds {"sparse" if is_sparse else "dense"} codes with metric "{metric}"')
