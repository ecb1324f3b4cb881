"""What to build an index from, and how: defaults are chosen and parameters are checked before anything is read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from aesearch.catalog import CODERS, DEFAULT_CODERS, DEFAULT_FEATURES, FEATURES, create_coder, create_store, lookup
from aesearch.coders.base import BITS_PER_BYTE, Coder
from aesearch.coders.itq import ITQ
from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.base import Features
from aesearch.index.record import Source
from aesearch.items import ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection, read_files
from aesearch.search.passages import PASSAGE_MODES, PassageMode

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MAX_TRAINING_ITEMS = 60_000
"""Default size of the training sample. A larger collection is sampled at random for training, and encoded completely."""

DEFAULT_CODE_SIZE = 64


class BuildPlan:
    """What to build an index from, and how.

    The parameters are those of `Retriever.build`. The constructor replaces None by the default, and creates a coder and a
    store on trial, so that an hour of reading does not end with a misspelled name.

    Attributes
    ----------
    items : ItemCollection
    kind : ItemKind
        Kind of the items.
    source : Source or None
        The files that the items are from; None for items in memory.
    features : Features
    coder : Coder or str
        An existing coder, or the name of the one to create.
    code_size : int or None
        None to let the rows decide.
    bits : bool
    store : str or None
        None for the first store that supports the codes.
    training_sample : int
    passages : {"auto", "on", "off"}
    keep_content : bool
    params : dict
        Parameters of a coder given by name.

    Raises
    ------
    NoItems
        If there are no items.
    UnknownName, WrongKind, InvalidParameter
        If a name or a parameter is unknown, or does not suit the items.
    """

    def __init__(
        self,
        items: str | os.PathLike[str] | ItemCollection,
        features: Features | None = None,
        coder: Coder | str | None = None,
        code_size: int | None = None,
        bits: bool = False,
        store: str | None = None,
        training_sample: int | None = None,
        passages: PassageMode = "auto",
        keep_content: bool = True,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        if isinstance(items, str | os.PathLike):
            items = read_files(items, start_workers=True)
        if iter(items) is items:
            raise InvalidParameter("the items can be iterated only once; pass a list of them, or a folder")
        self.items, self.kind = items, _kind_of(items)
        self.source = Source.of(items) if isinstance(items, FileCollection) else None
        self.features: Features = features or lookup(FEATURES, "features", DEFAULT_FEATURES[self.kind]).load()()
        self.coder: Coder | str = coder or DEFAULT_CODERS[self.features.row_kind]
        self.code_size, self.bits, self.store = code_size, bits, store
        self.training_sample = MAX_TRAINING_ITEMS if training_sample is None else training_sample
        self.passages, self.keep_content = passages, keep_content
        self.params = dict(params or {})
        if self.coder == "auto" and (bits or code_size is not None or store is not None):
            self.params.setdefault("fixed_size", True)
        self._check()

    def _check(self) -> None:
        """Raise UnknownName, WrongKind or InvalidParameter if the coder or the store cannot be created."""
        if self.passages not in PASSAGE_MODES:
            raise InvalidParameter(f'passages is "{self.passages}"; choose {", ".join(PASSAGE_MODES)} (--passages)')
        for name, value in (("code_size", self.code_size), ("training_sample", self.training_sample)):
            if value is not None and value < 1:
                raise InvalidParameter(f"{name} is {value}; it must be at least 1")
        if isinstance(self.coder, Coder):
            fixed = [*self.params, *(["code_size"] if self.code_size is not None else [])]
            if fixed:
                raise InvalidParameter(
                    f"cannot set {', '.join(fixed)} of an existing coder; pass it to {type(self.coder).__name__}() instead"
                )
        coder = self._create_coder({} if self.code_size is None else {"code_size": self.code_size})
        if self.store is not None:
            is_sparse = coder.returns_rows and self.features.row_kind == "documents"
            create_store(self.store, "cosine" if is_sparse else coder.metric, DEFAULT_CODE_SIZE, is_sparse=is_sparse)

    def as_dict(self) -> dict[str, Any]:
        """Return everything that determines the intermediate results, as JSON values."""
        return {
            "kind": self.kind,
            "source": None if self.source is None else asdict(self.source),
            "features": [self.features.name, self.features.get_params()],
            "coder": [self.coder, self.params] if isinstance(self.coder, str) else _describe_coder(self.coder),
            "code_size": self.code_size,
            "bits": self.bits,
            "training_sample": self.training_sample,
            "passages": self.passages,
            "keep_content": self.keep_content,
        }

    def create_coder(self, X: Rows) -> Coder:
        """Return the unfitted coder, with a code size that suits the rows X if none is given."""
        if isinstance(self.coder, Coder):
            return self._create_coder({})
        coder_class = lookup(CODERS, "coder", self.coder).load()
        if "code_size" not in coder_class.param_names():
            return self._create_coder({})
        return self._create_coder({"code_size": self.code_size or default_code_size(coder_class, X, bits=self.bits)})

    def _create_coder(self, size: dict[str, int]) -> Coder:
        """Return the coder, with its `code_size` if it is given by name."""
        if isinstance(self.coder, Coder):
            coder = self.coder
        else:
            coder = create_coder(self.coder, self.features.row_kind, **size, **self.params)
        return ITQ(coder) if self.bits else coder


def default_code_size(coder_class: type[Coder], X: Rows, *, bits: bool = False) -> int:
    """Return the default code size: 64, or the largest sensible multiple of 8 for small rows or collections.

    Bits need at least one byte.
    """
    largest = coder_class.max_code_size(tuple(X.shape[1:]), X.shape[0])
    size = min(DEFAULT_CODE_SIZE, largest - largest % 8 if largest >= 8 else largest)
    return max(BITS_PER_BYTE, size) if bits else size


def _describe_coder(coder: Coder) -> list[Any]:
    """Return the name and the parameters of a coder, followed by those of its base coder if there is one."""
    own = [coder.name, coder.get_params()]
    return own if coder.base is coder else [*own, *_describe_coder(coder.base)]


def _kind_of(items: ItemCollection) -> ItemKind:
    """Return the kind of the items. Raises NoItems if there are none."""
    if isinstance(items, FileCollection):
        return items.kind
    for item in items:
        return item.kind
    raise NoItems("there are no items; pass at least one")
