"""Facts about the build of an index, which `index.json` stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from aesearch.coders.base import Epoch, Trial
from aesearch.items import ItemKind
from aesearch.readers.folder import FileCollection, FileStat
from aesearch.readers.tables import TableFields
from aesearch.scoring import Score
from aesearch.search.hybrid import DEFAULT_LEXICAL_WEIGHT
from aesearch.search.passages import PassageMode

MAX_RECENT_KEYS = 200
"""Number of recently added items whose keys are recorded, to detect drift (`aesearch.analysis.drift`)."""


@dataclass(frozen=True, slots=True)
class Source:
    """The files that an index was built from.

    Parameters
    ----------
    root : str
        Absolute path of the folder.
    is_single_file : bool
        Whether the index was built from one file in `root`.
    fields : TableFields
        Fields of table rows.
    encoding : str, optional
        Encoding of all texts; None to detect it for each file.
    include, exclude : tuple of str
        Patterns of the files to read and to skip (`aesearch.readers.ignore`).
    """

    root: str
    is_single_file: bool
    fields: TableFields
    encoding: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, files: FileCollection) -> Self:
        """Return the source of a collection of files."""
        root = str(files.root.resolve())
        return cls(root, files.is_single_file, files.fields, files.encoding, files.include, files.exclude)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a source from `index.json`. Raises KeyError or TypeError if it is malformed."""
        fields = TableFields(**stored["fields"])
        patterns = {name: tuple(stored.get(name, ())) for name in ("include", "exclude")}
        return cls(**{**stored, "fields": fields, **patterns})

    def files(self, paths: Sequence[str], kind: ItemKind) -> FileCollection:
        """Return files by their paths, which are absolute or relative to the root. The files need not exist."""
        stats = dict.fromkeys(paths, FileStat(0, 0))
        root = Path(self.root)
        return FileCollection(root, stats, kind, self.fields, is_single_file=self.is_single_file, encoding=self.encoding)


@dataclass(frozen=True, slots=True)
class AddedItems:
    """Items added since training: how many, and the keys of the most recent."""

    count: int = 0
    recent_keys: tuple[int, ...] = ()

    def plus(self, keys: Sequence[int]) -> AddedItems:
        """Return the record after items with these keys were added."""
        return AddedItems(self.count + len(keys), (*self.recent_keys, *keys)[-MAX_RECENT_KEYS:])


@dataclass
class BuildRecord:
    """Facts about the build of an index.

    Attributes
    ----------
    kind : ItemKind
    source : Source or None
        None if the items were created in memory.
    passages : {"auto", "on", "off"}
        Which documents are split into passages (`aesearch.search.passages`).
    keep_content : bool
        Whether documents are stored in the index, and can be searched by words.
    seconds : dict
        Duration of the stages "read", "train", "encode" and "store".
    epochs : list of Epoch
        Training history.
    score : Score or None
        Label-free score of the codes on items that the coder was not trained on (`aesearch.scoring`). None if they would be
        fewer than 20.
    trials : list of Trial
        The coders among which the coder was chosen (`aesearch.coders.auto`), with their scores; empty if it was given.
    novelty_threshold : float or None
        Distance that 99 % of the items do not exceed to their nearest other item. A query farther than that from every item
        is unlike the collection. None for fewer than 100 items.
    random_distances : list of float
        Quantiles of the distances between random pairs of items (`aesearch.index.calibration`).
    lexical_weight : float
        Weight of words in hybrid ranking (`aesearch.search.hybrid`).
    warnings : list of str
        What a user should know about the training.
    added : AddedItems
        Items added since training.
    resumed_items : int
        Items that an interrupted build had already read when this build resumed it.
    """

    kind: ItemKind
    source: Source | None = None
    passages: PassageMode = "auto"
    keep_content: bool = True
    seconds: dict[str, float] = field(default_factory=dict)
    epochs: list[Epoch] = field(default_factory=list)
    score: Score | None = None
    trials: list[Trial] = field(default_factory=list)
    novelty_threshold: float | None = None
    random_distances: list[float] = field(default_factory=list)
    lexical_weight: float = DEFAULT_LEXICAL_WEIGHT
    warnings: list[str] = field(default_factory=list)
    added: AddedItems = AddedItems()
    resumed_items: int = 0

    @property
    def splitting(self) -> PassageMode | None:
        """How documents are split into the passages that are stored; None if they are not stored."""
        return self.passages if self.keep_content else None

    def as_dict(self) -> dict[str, Any]:
        """Return the record as it is stored in `index.json`."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Self:
        """Return a record from `index.json`. Raises KeyError or TypeError if a part is missing or malformed."""
        values = {name: stored[name] for name in cls.__dataclass_fields__}
        source, added = values["source"], values["added"]
        if source is not None:
            values["source"] = Source.from_dict(source)
        values["added"] = AddedItems(added["count"], tuple(added["recent_keys"]))
        score, trials = values["score"], values["trials"]
        values["score"] = None if score is None else Score(**{**score, "interval": tuple(score["interval"])})
        values["trials"] = [Trial(**trial) for trial in trials]
        values["epochs"] = [Epoch(**epoch) for epoch in values["epochs"]]
        return cls(**values)
