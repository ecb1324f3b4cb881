"""What to build an index from, and how: defaults are chosen and parameters are checked before anything is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from aesearch.catalog import CODERS, DEFAULT_CODERS, DEFAULT_FEATURES, FEATURES, create_coder, create_store, lookup
from aesearch.coders.base import Coder
from aesearch.coders.itq import ITQ
from aesearch.errors import InvalidParameter, NoItems
from aesearch.features.base import Features
from aesearch.index.record import Source
from aesearch.items import ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection

if TYPE_CHECKING:
    from aesearch.arrays import Rows

MAX_TRAINING_ITEMS = 60_000
"""Default size of the training sample. A larger collection is sampled at random for training, and encoded completely."""

DEFAULT_CODE_SIZE = 64


@dataclass
class BuildPlan:
    """What to build an index from, and how; see `Retriever.build` for the parameters."""

    items: ItemCollection
    features: Features | None = None
    coder: Coder | str | None = None
    code_size: int | None = None
    bits: bool = False
    store: str | None = None
    training_sample: int = MAX_TRAINING_ITEMS
    params: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Choose defaults and check all parameters, so that an hour of reading does not end with a misspelled name."""
        if iter(self.items) is self.items:
            raise InvalidParameter("the items can be iterated only once; pass a list of them, or a folder")
        if self.features is None:
            self.features = lookup(FEATURES, "features", DEFAULT_FEATURES[self.kind]).load()()
        if isinstance(self.coder, Coder):
            extra = [*self.params, *(["code_size"] if self.code_size is not None else [])]
            if extra:
                raise InvalidParameter(
                    f"cannot set {', '.join(extra)} of an existing coder; pass it to {type(self.coder).__name__}() instead"
                )
        self.coder = self.coder or DEFAULT_CODERS[self.features.row_kind]
        trial = self._create_coder({} if self.code_size is None else {"code_size": self.code_size})
        if self.store is not None:
            has_sparse_codes = trial.returns_rows and self.features.row_kind == "documents"
            create_store(self.store, "cosine" if has_sparse_codes else trial.metric, 8, is_sparse=has_sparse_codes)

    @property
    def kind(self) -> ItemKind:
        """Kind of the items. Raises NoItems if there are none."""
        if isinstance(self.items, FileCollection):
            return self.items.kind
        for item in self.items:
            return item.kind
        raise NoItems("there are no items; pass at least one")

    @property
    def source(self) -> Source | None:
        """The files that the items are from; None for items in memory."""
        return Source.of(self.items) if isinstance(self.items, FileCollection) else None

    def as_dict(self) -> dict[str, Any]:
        """Return everything that determines the result, as JSON values."""
        assert self.features is not None
        coder = [self.coder.name, self.coder.get_params()] if isinstance(self.coder, Coder) else [self.coder, self.params]
        return {
            "kind": self.kind,
            "source": None if self.source is None else asdict(self.source),
            "features": [self.features.name, self.features.get_params()],
            "coder": coder,
            "code_size": self.code_size,
            "bits": self.bits,
            "training_sample": self.training_sample,
        }

    def create_coder(self, X: Rows) -> Coder:
        """Return the unfitted coder, with a code size that suits the rows X if none is given."""
        if isinstance(self.coder, Coder):
            return self._create_coder({})
        coder_class = lookup(CODERS, "coder", str(self.coder)).load()
        if "code_size" not in coder_class.param_names():
            return self._create_coder({})
        return self._create_coder({"code_size": self.code_size or default_code_size(coder_class, X)})

    def _create_coder(self, size: dict[str, int]) -> Coder:
        assert self.features is not None
        coder: Coder
        if isinstance(self.coder, Coder):
            coder = self.coder
        else:
            coder = create_coder(str(self.coder), self.features.row_kind, **size, **self.params)
        return ITQ(coder) if self.bits else coder


def default_code_size(coder_class: type[Coder], X: Rows) -> int:
    """Return the default code size: 64, or the largest sensible multiple of 8 for small rows or collections."""
    largest = coder_class.max_code_size(tuple(X.shape[1:]), X.shape[0])
    return min(DEFAULT_CODE_SIZE, largest - largest % 8 if largest >= 8 else largest)
