"""The Retriever: features, a coder, a store and a ledger, built from items, kept as a folder, asked for neighbors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from aesearch.arrays import is_sparse, stack_rows
from aesearch.catalog import STORES, lookup
from aesearch.coders.base import Coder
from aesearch.coders.loading import load_coder
from aesearch.errors import Busy, CorruptIndex, InvalidParameter, NoIndex, NoItems, NoKnownTerms, WrongKind
from aesearch.features.base import Features, load_features
from aesearch.index import manifest
from aesearch.index.build import SAMPLE, Progress, ProgressCallback, batches, build, enter
from aesearch.index.ledger import Ledger, Row
from aesearch.index.locking import writing
from aesearch.index.sync import UNSETTLED, Before, Changes, Settled
from aesearch.items import Hit, Item, ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection, FileStat, read_files
from aesearch.readers.tables import TableFields
from aesearch.search.reranking import MAX_CANDIDATES, merge_views, to_cosine_distances
from aesearch.search.reranking import rerank as rerank_candidates
from aesearch.stores.base import NO_KEY, Store

if TYPE_CHECKING:
    from PIL.Image import Image

    from aesearch.arrays import Rows

    Query: TypeAlias = str | os.PathLike[str] | Image | np.ndarray | Item


LAST = 200
"""Items added since training whose keys are kept, to see whether the coder still suits them (`aesearch.analysis.drift`)."""

ATTEMPTS = 10
"""Times that an index is opened anew because a writer committed while it was being opened."""


class Retriever:
    """Finds the items of a collection that are most like a query.

    Build one from a folder or a list of items, save it, load it in another process, and ask:

    >>> Retriever.build("photos").save("indexes/photos")                    # doctest: +SKIP
    >>> Retriever.load("indexes/photos").query("cat.jpg", k=5)              # doctest: +SKIP
    [Hit(rank=1, id='cats/12.jpg', distance=0.031, ...), ...]

    Attributes
    ----------
    features, coder, store, ledger : the four parts.
    record : what is known of the build: kind, source, seconds of each stage, epochs, agreement; and `added`, how many items
        came since, and the keys of the last of them; `taken_over`, where the build went on with one that was broken off,
        how many items that one had read.
    """

    def __init__(self, features: Features, coder: Coder, store: Store, ledger: Ledger, record: dict[str, Any]) -> None:
        self.features, self.coder, self.store, self.ledger, self.record = features, coder, store, ledger, record
        self._unsaved = set(manifest.PARTS)
        self._generation, self._encoder_only = 0, False

    # Building.

    @classmethod
    def build(
        cls,
        items: str | os.PathLike[str] | ItemCollection,
        *,
        features: Features | None = None,
        coder: Coder | str | None = None,
        code_size: int | None = None,
        bits: bool = False,
        store: str | None = None,
        sample: int = SAMPLE,
        workspace: Path | None = None,
        on_progress: ProgressCallback | None = None,
        **settings: Any,
    ) -> Self:
        """Learns a code from the items and indexes all of them.

        Parameters
        ----------
        items : a folder or file, or a collection of Item that can be gone through more than once.
        features : None for the usual ones of the items' kind.
        coder : a name of the catalog, or a Coder; None for the kind's default.
        code_size : None for 64, or less where the rows or the collection are small.
        bits : whether the floats of the code are turned into bits.
        store : a name of the catalog; None for the one that fits the codes.
        sample : items learned from, at most.
        unfinished : folder for what is done on the way, about one row of features an item.  It is left behind: the same
            call, made again after this one was broken off, goes on from there, and at most two seconds of reading, one
            epoch and one batch of codes are done twice; files that have changed since are read again.  Remove it once the
            index is saved.  None: a folder of the system's, removed at the end.
        watch : called with a Progress after each step.
        **settings : passed to the coder, where it was named: epochs, seed, device ...

        Raises NoItems, UnknownName, WrongKind, and InvalidParameter also where `unfinished` holds something else.
        """
        if isinstance(items, str | os.PathLike):
            items = read_files(items, start_workers=True)
        report: ProgressCallback = on_progress or (lambda progress: None)
        parts = build(
            items,
            features=features,
            coder=coder,
            code_size=code_size,
            bits=bits,
            store=store,
            sample=sample,
            workspace=workspace,
            on_progress=report,
            settings=settings,
        )
        retriever = cls(*parts)
        if "taken_over" in retriever.record and isinstance(items, FileCollection):
            retriever.sync(items, report)
        return retriever

    def sync(self, files: FileCollection, on_progress: ProgressCallback | None = None) -> Changes:
        """Brings the index up to the files as they are now; the coder stays as it was trained.

        Only files whose size or time of change differ are read, only items whose content differs are encoded: one that was
        moved or renamed keeps its code.  Nothing is saved, but `watch`, which is called after each batch, may do so: an
        update that is broken off then goes on from there.  Raises WrongKind where the files are of another kind.
        """
        if files.kind != self.kind:
            raise WrongKind(f"this index is of {self.kind}, and these are {files.kind}; give them an index of their own")
        report: ProgressCallback = on_progress or (lambda progress: None)
        self._own_ledger()
        known = self.ledger.files()
        changed = [path for path, stat in files.paths.items() if known.get(path) != stat]
        gone = known.keys() - files.paths.keys()
        before = Before(self.ledger.rows_by_path([*changed, *gone]), gone)
        # Until they are settled they are like no file, so that an update that is broken off takes them up again.
        self.ledger.set_files(dict.fromkeys([*changed, *gone], UNSETTLED))
        unchanged = files.paths.keys() - set(changed)
        self.ledger.skipped = {name: why for name, why in self.ledger.skipped.items() if files.file_of(name) in unchanged}
        reading = files.subset(changed).with_image_size(self.features.image_size)
        settled = Settled(self.ledger, reading)
        added = updated = removed = moved = done = 0
        for batch in batches(reading):
            left_out: dict[str, str] = {}
            fresh, stale, moves = before.compared(batch)
            moved += self._move(moves, left_out)
            self._forget(stale)
            entered = self._enter(fresh, left_out)
            back = len({row.id for row in stale}.intersection(item.id for item in entered))
            updated += back
            added += len(entered) - back
            removed += len(stale) - back + self._forget(before.left_in(settled.up_to(batch[-1].path, left_out)))
            self._unsaved.add("ledger")  # it may have been saved since the last batch
            done += len(batch)
            report(Progress("encode", done, len(changed)))
        removed += self._forget(before.left_in([*settled.up_to(None), *gone]))
        self.ledger.remove_files(gone)
        self._unsaved.add("ledger")
        return Changes(added, updated, removed, moved)

    def add(self, items: Iterable[Item]) -> int:
        """Encodes and stores more items; one of an id that is there already takes its place.  Returns how many.

        Raises WrongKind, and InvalidParameter for an item that is none of this collection's; what came before it is added.
        """
        self._own_ledger()
        count = 0
        for batch in batches(items):
            unique = list({item.id: item for item in batch}.values())
            for item in unique:
                if rejection_reason := self.features.rejection_reason(item):
                    raise InvalidParameter(f'"{item.id}" cannot be added: {rejection_reason}')
            self._forget(self.ledger.rows_by_id([item.id for item in unique]).values())
            count += len(self._enter(unique, {}))
        return count

    def remove(self, ids: Sequence[str]) -> int:
        """Forgets the items of these ids; an id that is not there is passed over.  Returns how many were forgotten."""
        self._own_ledger()
        return self._forget(self.ledger.rows_by_id(list(ids)).values())

    def _enter(self, items: Sequence[Item], left_out: dict[str, str]) -> list[Item]:
        """Enters, encodes and stores the items, and returns them; those that cannot be are noted in `left_out`, with the
        reason."""
        entered = enter(self.ledger, items, self.features, left_out)
        if entered:
            self._unsaved |= {"store", "ledger"}
            try:
                codes = self.coder.encode(self.features.transform(list(entered.values())))
                self.store.add(np.array(list(entered), np.int64), codes)
            except BaseException:  # the ledger must not hold what the store does not
                self.ledger.remove(entered)
                raise
            before = self.record.added
            last = [*before["last"], *entered][-LAST:]
            self.record.added = {"items": before["items"] + len(entered), "last": last}
        return list(entered.values())

    def _move(self, moves: Sequence[tuple[Row, Item]], left_out: dict[str, str]) -> int:
        """Gives the code of each row to the item that has its content now.  Returns how many took it over."""
        if not moves:
            return 0
        codes = self.store.codes(np.array([old.key for old, _ in moves], np.int64))
        self._forget([old for old, _ in moves])
        entered = enter(self.ledger, [item for _, item in moves], self.features, left_out)
        place_of = {id(item): place for place, (_, item) in enumerate(moves)}  # two of them may claim one name
        self.store.add(np.array(list(entered), np.int64), codes[[place_of[id(item)] for item in entered.values()]])
        return len(entered)

    def _forget(self, rows: Iterable[Row]) -> int:
        """Takes the items of these rows out.  Returns how many they are."""
        keys = [row.key for row in rows]
        if keys:
            self.store.remove(np.array(keys, np.int64))
            self.ledger.remove(keys)
            self._unsaved |= {"store", "ledger"}
        return len(keys)

    def _own_ledger(self) -> None:
        """Makes the ledger one that can be changed, apart from the file that other processes may be reading."""
        if "ledger" not in self._unsaved:
            self.ledger = self.ledger.copy()
            self._unsaved.add("ledger")

    # Asking.

    @property
    def kind(self) -> ItemKind:
        return self.features.kind

    def __len__(self) -> int:
        return len(self.store)

    @property
    def coder_name(self) -> str:
        """The coder's name in the catalog, also where its floats are kept as bits."""
        return getattr(self.coder, "floats", self.coder).name

    def info(self) -> dict[str, Any]:
        """What `aesearch info --json` prints; sizes in bytes, times in seconds."""
        floats = getattr(self.coder, "floats", self.coder)
        source, folder = self.record.source, self.record.folder
        files = [path for path in Path(folder).rglob("*") if path.is_file()] if folder else []
        return {
            "index": folder,
            "kind": self.kind,
            "items": len(self),
            "added_since_training": self.record.added.count,
            "skipped": len(self.ledger.skipped),
            "source": source and source["root"],
            "features": self.features.name,
            "shape": self.features.shape,
            "coder": self.coder_name,
            "settings": floats.get_params(),
            "bits": self.coder.metric == "hamming",
            "code_size": self.coder.code_size,
            "bytes_per_item": self.store.bytes_per_item,
            "metric": self.coder.metric,
            "agreement": self.record.agreement,
            "remarks": self.record.warnings,
            "seconds": self.record.seconds,
            "epochs": self.record.epochs,
            "bytes_on_disk": sum(path.stat().st_size for path in files),
        }

    def query(self, what: Query, k: int = 10, *, rerank: bool = False, augment: bool = False) -> list[Hit]:
        """The k items nearest to `what`, the nearest first.

        A path (pathlib) is a file to be read, as is a str in an index of pictures or vectors; in an index of documents a
        str is the text itself.

        Parameters
        ----------
        rerank : take the 500 nearest by their codes, read them again, and order them by their features in full: slower,
            and better for typed questions and for finding altered copies.  Distances are then 1 less a mean of cosines.
        turned : of a picture, ask with all its turned and mirrored ones too.

        Raises WrongKind, Unreadable, NoKnownTerms where a text has no word of the index, and InvalidParameter where the items
        were made in memory and cannot be read again, or something other than a picture is to be turned.
        """
        return self.query_many([what], k, rerank=rerank, augment=augment)[0]

    def query_many(
        self, what: Sequence[Query], k: int = 10, *, rerank: bool = False, augment: bool = False
    ) -> list[list[Hit]]:
        """`query` of each, in one search."""
        items = [self._item(one) for one in what]
        if augment and self.kind != "images":
            raise InvalidParameter(
                f"only pictures can be turned, and this index is of {self.kind}; leave it out (--turned)"
            )
        if augment:
            from aesearch.images import as_image
            from aesearch.images import rotations_and_flips

            items = [replace(item, content=view) for item in items for view in rotations_and_flips(as_image(item.content))]
        X = self.featurize(items)
        keys, distances = self.store.search(self.coder.encode(X), max(k, MAX_CANDIDATES) if rerank else k)
        if rerank:
            distances = to_cosine_distances(distances, self.coder.metric, self.coder.code_size)
            keys, distances = rerank_candidates(self.coder.rerank_features(X), keys, distances, self._details)
        if augment:
            keys, distances = merge_views(keys, distances, len(items) // max(1, len(what)))
        return self.make_hits(keys[:, :k], distances[:, :k])

    def is_out_of_distribution(self, hits: Sequence[Hit]) -> bool:
        """Whether a query that got these hits, by its code alone, is unlike anything in the index: further from its nearest
        than 99 % of the items were from theirs when the index was built.
        """
        usual = self.record.novelty_threshold
        return bool(hits) and usual is not None and hits[0].distance > usual

    def range_query(self, what: Query, distance: float) -> list[Hit]:
        """All items no further from `what` than `distance`, the nearest first; of bits, all in a ball of so many flips."""
        return self.make_hits(*self.store.range_search(self.coder.encode(self.featurize([self._item(what)])), distance))[0]

    def _details(self, keys: list[int]) -> tuple[list[int], Rows]:
        """Those of the items that can still be read, and their features in full [N, F]."""
        found: list[int] = []
        details: list[Rows] = []
        for read, X in self.reload_features(keys):
            found += read
            details.append(self.coder.rerank_features(X))
        return found, stack_rows(details) if details else np.zeros((0, 0), np.float32)

    def reload_features(self, keys: Sequence[int]) -> Iterator[tuple[list[int], Rows]]:
        """Those of the items that can still be read, with their features, batch by batch.

        Raises InvalidParameter where they were made in memory.
        """
        for found, items in self.reload_items(keys, self.features.image_size):
            yield found, self.features.transform(items)

    def reload_items(
        self, keys: Sequence[int], size: tuple[int, int] | None = None
    ) -> Iterator[tuple[list[int], list[Item]]]:
        """Those of the items that can still be read, batch by batch; pictures resize_image to `size`, if one is given."""
        source, rows = self.record.source, self.ledger.rows_by_key(keys)
        if source is None:
            raise InvalidParameter(
                "the items were made in memory and cannot be read again; build from a folder to ask for this"
            )
        paths = dict.fromkeys((row.path or "" for row in rows.values()), FileStat(0, 0))
        files = FileCollection(
            Path(source["root"]), paths, self.kind, TableFields(**source["fields"]), is_single_file=source["lone"]
        )
        key_of = {row.id: row.key for row in rows.values()}
        wanted = (item for item in files.with_image_size(size) if item.id in key_of)
        for batch in batches(item for item in wanted if self.features.rejection_reason(item) is None):
            yield [key_of[item.id] for item in batch], batch

    def featurize(self, items: Sequence[Item]) -> Rows:
        """The features of query items.  Raises NoKnownTerms where a text has no word of the index."""
        X: Any = self.features.transform(items)
        if is_sparse(X):
            for number in np.flatnonzero(np.diff(X.indptr) == 0).tolist():
                words = items[number].excerpt
                raise NoKnownTerms(f'no word of "{words}" is in the vocabulary of the index; ask with other words')
        return X

    def make_hits(self, keys: np.ndarray, distances: np.ndarray) -> list[list[Hit]]:
        """keys, distances: [Q, k] as a store answers.  Returns a list of hits for each query."""
        rows = self.ledger.rows_by_key(list(set(keys[keys != NO_KEY].tolist())))
        return [
            [
                Hit(rank, row.id, float(distance), row.label, self.resolve_path(row), row.excerpt)
                for rank, (row, distance) in enumerate(
                    ((rows[key], far) for key, far in zip(near.tolist(), fars.tolist(), strict=True) if key in rows), 1
                )
            ]
            for near, fars in zip(keys, distances, strict=True)
        ]

    def resolve_path(self, row: Row) -> str | None:
        """Where the item's file lies; None for one that was made in memory."""
        source = self.record.source
        return str(Path(source["root"], row.path)) if source and row.path else row.path

    def _item(self, what: Query) -> Item:
        if isinstance(what, Item):
            return what
        if isinstance(what, os.PathLike) or (isinstance(what, str) and self.kind != "documents"):
            return self.read_query(Path(what))
        return Item("query", what)

    def read_query(self, path: Path) -> Item:
        """The one item in the file `path`.  Raises NoItems, Unreadable, WrongKind."""
        files = read_files(path)
        if not files.is_single_file:
            raise NoItems(f"{path} is a folder; ask with one file")
        if files.kind != self.kind:
            raise WrongKind(f"{path} is one of the {files.kind}, and this index is of {self.kind}; ask another (--index)")
        found = list(islice(files.with_image_size(self.features.image_size), 2))
        if not found:
            raise NoItems(f"cannot read {path}: {next(iter(files.skipped.values()), 'it holds no item')}")
        if len(found) > 1:
            raise NoItems(f"{path} holds more than one item; ask with a file that holds one")
        return found[0]

    # Keeping.

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the index into `folder`, over the one that is there: whoever reads finds the old one or the new one.

        Of an index that was loaded from this folder only the changed parts are written.  Raises InvalidParameter where the
        folder holds something else, and Busy where another process is writing it, or has since it was loaded.
        """
        folder = Path(folder)
        with writing(folder):
            self._save(folder)

    def _save(self, folder: Path) -> None:
        if len(self.store) != len(self.ledger):
            counts = f"{len(self.store):,} codes of {len(self.ledger):,} items"
            raise CorruptIndex(folder, f"would hold {counts}, and is left as it was; load it again, then change it")
        source = self.record.folder
        writers: dict[str, Callable[[Path], None]] = {
            "features": self.features.save,
            "coder": self.coder.save,
            "store": self.store.save,
            "ledger": self.ledger.save,
        }
        if source == str(folder.resolve()):
            if manifest.generation(folder) not in (None, self._generation):
                raise Busy(f"{folder} was changed since it was loaded; load it again, then change it")
            writers = {part: write for part, write in writers.items() if part in self._unsaved}
        store = {"name": self.store.name, "metric": self.store.metric, "width": self.store.width}
        record = {key: value for key, value in self.record.items() if key != "folder"}
        self._generation = manifest.commit(folder, {**record, "items": len(self), "store": store}, writers)["generation"]
        self.record.folder = str(folder.resolve())
        self._unsaved = set()

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, encoder_only: bool = True) -> Self:
        """The index in `folder`.

        Parameters
        ----------
        light : load of an autoencoder the encoder alone, by ONNX Runtime: enough to ask, add and remove, and free of
            torch.  False loads the autoencoder, which can decode too.

        Raises NoIndex, and CorruptIndex where a part is missing or differs from what was written.
        """
        folder = Path(folder)
        for _ in range(ATTEMPTS):
            generation = manifest.generation(folder)
            try:
                return cls._load(folder, encoder_only)
            except (CorruptIndex, OSError):
                # Where a writer has committed meanwhile, the parts that were to be read are gone, and others are there.
                if manifest.generation(folder) == generation:
                    raise
        raise Busy(f"{folder} changes faster than it can be read; try again")

    @classmethod
    def _load(cls, folder: Path, encoder_only: bool) -> Self:
        described = manifest.read_manifest(folder)
        parts = {part: folder / name for part, name in described["parts"].items()}
        try:
            saved = described["store"]
            features = load_features(parts["features"])
            coder = load_coder(parts["coder"], encoder_only=encoder_only)
            kept = lookup(STORES, "store", saved["name"]).load().load(parts["store"], saved["metric"], saved["width"])
            ledger = Ledger.load(parts["ledger"])
            if not len(kept) == len(ledger) == described["items"]:
                counts = f"{len(kept):,} codes, {len(ledger):,} items"
                raise CorruptIndex(folder, f"holds {counts} where {described['items']:,} were written")
        except (KeyError, TypeError) as error:
            raise CorruptIndex(folder / manifest.FILE, f"lacks what an index needs ({error})") from None
        own = ("format", "generation", "items", "store", "parts", "files")
        retriever = cls(features, coder, kept, ledger, {key: value for key, value in described.items() if key not in own})
        retriever.record.folder = str(folder.resolve())
        retriever._unsaved, retriever._generation, retriever._encoder_only = set(), described["generation"], encoder_only
        return retriever

    def refresh(self) -> bool:
        """Takes up what other processes have committed to the folder that this was loaded from, or saved to.

        Until then it answers from the state that it knows.  Returns whether there was anything new; changes that were not
        saved are lost if there was.  Raises NoIndex where it has no folder.
        """
        folder = self._folder()
        if manifest.generation(folder) == self._generation:
            return False
        self.__dict__.update(type(self).load(folder, encoder_only=self._encoder_only).__dict__)
        return True

    def _folder(self) -> Path:
        if "folder" not in self.record:
            raise NoIndex("this index was never saved, so there is no folder to look at; save it first")
        return Path(self.record.folder)

    def verify(self) -> None:
        """Compares every file with what was written, whole, and the store's keys with the ledger's.

        Raises CorruptIndex, and NoIndex where it was never saved.
        """
        folder = self._folder()
        manifest.read_manifest(folder, in_full=True)
        keys = np.array([row.key for row in self.ledger.all_rows()], np.int64)
        if not np.array_equal(np.sort(self.store.keys()), np.sort(keys)):
            raise CorruptIndex(folder, "keeps codes and items that are not of each other")

    def source_files(self) -> FileCollection:
        """The files that the index was built from, as they are now.  Raises NoItems where they are gone."""
        source = self.record.source
        if source is None:
            raise NoItems("this index was built from items in memory; there are no files to read again")
        root, fields = Path(source["root"]), TableFields(**source["fields"])
        if source["lone"]:
            return read_files(root / next(iter(self.ledger.files())), fields=fields)
        return read_files(root, kind=self.kind, fields=fields)
