"""The public API of one index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from aesearch.coders.base import Coder
from aesearch.features.base import Features
from aesearch.index import query as querying
from aesearch.index import reload
from aesearch.index.edits import add_items, remove_items
from aesearch.index.ledger import Ledger, LedgerRow
from aesearch.index.progress import ProgressCallback, ignore_progress
from aesearch.index.record import BuildRecord
from aesearch.index.storage import IndexState, load_state, save_state, verify_state
from aesearch.items import Hit, Item, ItemCollection, ItemKind
from aesearch.readers.folder import FileCollection, read_files
from aesearch.stores.base import Store

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.index.query import Query
    from aesearch.index.sync import Changes


class Retriever:
    """Finds the items of a collection that are most similar to a query.

    Build a retriever from a folder or from items, save it, load it in another process, and query it. The constructor is for
    internal use: call `build` or `load`.

    Attributes
    ----------
    features, coder, store, ledger
        The parts of the index.
    record : BuildRecord
        Facts about the build.
    folder : Path or None
        The folder that the index was loaded from or saved to.

    Examples
    --------
    >>> Retriever.build("photos").save("indexes/photos")                    # doctest: +SKIP
    >>> Retriever.load("indexes/photos").query("cat.jpg", k=5)              # doctest: +SKIP
    [Hit(rank=1, id='cats/12.jpg', distance=0.031, ...), ...]
    """

    def __init__(self, state: IndexState) -> None:
        self._state = state

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
        training_sample: int | None = None,
        workspace: Path | None = None,
        on_progress: ProgressCallback | None = None,
        **params: Any,
    ) -> Self:
        """Train a coder on items and index all of them.

        Parameters
        ----------
        items : path or collection of Item
            A folder, a file, or items that can be iterated more than once.
        features : Features, optional
            By default pixels of images, bags of words of documents, and vectors as they are.
        coder : str or Coder, optional
            A name in `aesearch.catalog.CODERS`, or an unfitted coder. By default the neighbor autoencoder.
        code_size : int, optional
            Dimensions of a code. By default 64, or less for small rows or collections.
        bits : bool
            Whether to convert the codes to bits (iterative quantization).
        store : str, optional
            A name in `aesearch.catalog.STORES`. By default the first that supports the codes.
        training_sample : int, optional
            Maximum number of items to train on. By default 60,000.
        workspace : Path, optional
            Folder for intermediate results, about one row of features per item. It is left behind: if the build is
            interrupted, the same call resumes it, and repeats at most two seconds of reading, one epoch and one batch of
            codes. Files that have changed since are read again. Remove the folder once the index is saved. By default a
            temporary folder.
        on_progress : callable, optional
            Called with a Progress after each step.
        **params
            Parameters of a coder given by name: epochs, seed, device, ...

        Raises
        ------
        NoItems
            If no item can be read.
        UnknownName
            If there is no such coder or store.
        WrongKind
            If the coder cannot encode the items.
        InvalidParameter
            If a parameter is unknown or has an invalid value, or `workspace` holds other files.
        """
        from aesearch.index.build import build_index
        from aesearch.index.plan import MAX_TRAINING_ITEMS, BuildPlan

        if isinstance(items, str | os.PathLike):
            items = read_files(items, start_workers=True)
        sample = MAX_TRAINING_ITEMS if training_sample is None else training_sample
        plan = BuildPlan(items, features, coder, code_size, bits, store, sample, params)
        return cls(build_index(plan, workspace, on_progress or ignore_progress))

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, encoder_only: bool = True) -> Self:
        """Load the index in a folder.

        Parameters
        ----------
        folder : path
        encoder_only : bool
            Load only the encoder of an autoencoder and run it with ONNX Runtime: enough to query, add and remove, without
            torch. If false, load the whole autoencoder, which can also decode.

        Raises
        ------
        NoIndex
            If there is no index in the folder.
        CorruptIndex
            If a part of it is missing or altered.
        """
        return cls(load_state(Path(folder), encoder_only=encoder_only))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the index to a folder atomically: readers see the old index or the new one.

        If the index was loaded from this folder, only the changed parts are written.

        Raises
        ------
        InvalidParameter
            If the folder holds other files.
        Busy
            If another process is writing the index, or has written it since it was loaded.
        """
        save_state(self._state, Path(folder))

    def refresh(self) -> bool:
        """Reload the index if another process has committed a newer version. Unsaved changes are lost then.

        Returns
        -------
        bool
            Whether there was a newer version.

        Raises
        ------
        NoIndex
            If the index was never saved.
        """
        from aesearch.index.manifest import read_generation

        folder = self._state.require_folder()
        if read_generation(folder) == self._state.generation:
            return False
        self._state = load_state(folder, encoder_only=self._state.encoder_only)
        return True

    def verify(self) -> None:
        """Compare every file with its checksum, and the codes with the items. Raises CorruptIndex or NoIndex."""
        verify_state(self._state)

    # Change the items.

    def sync(self, files: FileCollection, on_progress: ProgressCallback | None = None) -> Changes:
        """Update the index to the current state of its files. The coder stays as it was trained.

        Only files with a different size or modification time are read, and only items with different content are encoded;
        moved and renamed items keep their codes. Nothing is saved, but `on_progress`, which is called after each batch, may
        save the index: an interrupted sync resumes from there.

        Raises
        ------
        WrongKind
            If the files are of another kind than the index.
        """
        from aesearch.index.sync import Synchronizer

        return Synchronizer(self._state, files).run(on_progress or ignore_progress)

    def add(self, items: Iterable[Item]) -> int:
        """Encode and store items; an item whose id exists replaces the old one. Return the number of items.

        Raises
        ------
        WrongKind, InvalidParameter
            If an item does not fit the collection. Items of earlier batches stay added.
        """
        return add_items(self._state, items)

    def remove(self, ids: Sequence[str]) -> int:
        """Remove the items with these ids and return their number. Unknown ids are ignored."""
        return remove_items(self._state, ids)

    # Query.

    def query(self, query: Query, k: int = 10, *, rerank: bool = False, augment: bool = False) -> list[Hit]:
        """Return the k nearest items, nearest first.

        Parameters
        ----------
        query : str, path, image, array or Item
            A path is read. A str is the text itself in an index of documents, and a path in an index of images or vectors.
        k : int
            Number of hits.
        rerank : bool
            Read the 500 nearest items again and order them by all their features. Slower, and better for short typed
            queries and for altered copies. Distances are then 1 minus a mean of cosine similarities.
        augment : bool
            Query with all rotations and flips of the image, too.

        Raises
        ------
        WrongKind
            If the query is of another kind than the index.
        Unreadable, NoItems
            If the file cannot be read.
        NoKnownTerms
            If a document has no term of the vocabulary.
        InvalidParameter
            If the items were created in memory and cannot be reranked, or `augment` is set for anything but images.
        """
        items = [querying.as_item(self._state, query)]
        return querying.query_items(self._state, items, k, rerank_hits=rerank, augment=augment, require_terms=True)[0]

    def query_many(
        self, queries: Sequence[Query], k: int = 10, *, rerank: bool = False, augment: bool = False
    ) -> list[list[Hit]]:
        """Return the hits of several queries in one search.

        See `query`. A document without any term of the vocabulary has no hits.
        """
        items = [querying.as_item(self._state, query) for query in queries]
        return querying.query_items(self._state, items, k, rerank_hits=rerank, augment=augment, require_terms=False)

    def range_query(self, query: Query, max_distance: float) -> list[Hit]:
        """Return all items within a distance of the query, nearest first. For bits it is the number of differing bits."""
        X = self.featurize([querying.as_item(self._state, query)])
        return self.make_hits(*self.store.range_search(self.coder.encode(X), max_distance))[0]

    def is_out_of_distribution(self, hits: Sequence[Hit]) -> bool:
        """Return whether a query with these hits is unlike the collection.

        This is so if its nearest item is farther than 99 % of the nearest-neighbor distances when the index was built.
        """
        threshold = self.record.novelty_threshold
        return bool(hits) and threshold is not None and hits[0].distance > threshold

    def read_query(self, path: Path) -> Item:
        """Return the only item of a file. Raises NoItems or WrongKind."""
        return querying.read_query(self._state, path)

    def read_items(self, path: Path) -> FileCollection:
        """Return the items of a file or folder as the index needs them. Raises WrongKind if they are of another kind."""
        return querying.read_items(self._state, path)

    # Building blocks of analyses.

    def featurize(self, items: Sequence[Item]) -> Rows:
        """Return the features of items, (n_items, ...). Raises NoKnownTerms for a document without any known term."""
        return querying.featurize(self._state, items)

    def make_hits(self, keys: np.ndarray, distances: np.ndarray) -> list[list[Hit]]:
        """Return the hits of search results: keys and distances of shape (n_queries, k), as a store returns them."""
        return querying.make_hits(self._state, keys, distances)

    def reload_features(self, keys: Sequence[int]) -> Iterator[tuple[list[int], Rows]]:
        """Yield batches of keys and features, for the items that can still be read from their files."""
        return reload.reload_features(self._state, keys)

    def reload_items(
        self, keys: Sequence[int], image_size: tuple[int, int] | None = None
    ) -> Iterator[tuple[list[int], list[Item]]]:
        """Yield batches of keys and items, for the items that can still be read from their files."""
        return reload.reload_items(self._state, keys, image_size)

    def resolve_path(self, row: LedgerRow) -> str | None:
        """Return the path of an item's file; None for an item created in memory."""
        return reload.resolve_path(self._state, row)

    def source_files(self) -> FileCollection:
        """Return the files that the index was built from, as they are now. Raises NoItems if there are none."""
        return reload.source_files(self._state)

    # Properties.

    @property
    def features(self) -> Features:
        """Turns items into rows."""
        return self._state.features

    @property
    def coder(self) -> Coder:
        """Turns rows into codes."""
        return self._state.coder

    @property
    def store(self) -> Store:
        """Finds the nearest codes."""
        return self._state.store

    @property
    def ledger(self) -> Ledger:
        """Lists the items and their files."""
        return self._state.ledger

    @property
    def record(self) -> BuildRecord:
        """Facts about the build."""
        return self._state.record

    @property
    def folder(self) -> Path | None:
        """The folder that the index was loaded from or saved to."""
        return self._state.folder

    @property
    def kind(self) -> ItemKind:
        """Kind of the items: "images", "documents" or "vectors"."""
        return self.features.kind

    @property
    def coder_name(self) -> str:
        """Name of the coder in the catalog; of the coder of the float codes if they are converted to bits."""
        return self.coder.base.name

    def __len__(self) -> int:
        return len(self.store)

    def __repr__(self) -> str:
        return f"<Retriever: {len(self):,} {self.kind}, coder {self.coder_name}, code size {self.coder.code_size}>"

    def info(self) -> dict[str, Any]:
        """Return what `aesearch info --json` prints; sizes in bytes, times in seconds."""
        from aesearch.index.info import describe_index

        return describe_index(self._state)
