"""The public API of one index."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aesearch.index.progress import ProgressCallback, ignore_progress
from aesearch.index.search import SearchableIndex
from aesearch.index.storage import IndexState, load_state, refresh_state, save_state, verify_state
from aesearch.items import Item, ItemCollection
from aesearch.readers.folder import FileCollection

if TYPE_CHECKING:
    from aesearch.coders.base import Coder
    from aesearch.features.base import Features
    from aesearch.index.sync import Changes
    from aesearch.search.passages import PassageMode


class Retriever(SearchableIndex):
    """Finds the items of a collection that are most similar to a query.

    Call `build` or `load`, not the constructor.

    Attributes
    ----------
    features : Features
        Turns items into rows.
    coder : Coder
        Turns rows into codes.
    store : Store
        Holds the codes and finds the nearest ones.
    ledger : Ledger
        Lists the items and their files.
    record : BuildRecord
        Facts about the build.
    folder : Path or None
        The folder that the index was loaded from or saved to.
    kind : ItemKind
        Kind of the items: "images", "documents" or "vectors".

    Notes
    -----
    Threads may share a retriever. Any number of threads query it while others add, remove, sync, save or refresh. A query
    uses one state of the index from its search to its hits, so each answer is complete. Queries see a change after each
    batch of items: an item that replaces another appears at the same moment that the other disappears. Changes, saves
    and refreshes wait for each other; a query waits only while a batch that is already encoded is stored. Analyses
    (`aesearch.analysis`) and reloading use the index several times, so do not change it while they run.

    Examples
    --------
    >>> Retriever.build("photos").save("indexes/photos")                    # doctest: +SKIP
    >>> Retriever.load("indexes/photos").query("cat.jpg", k=5)              # doctest: +SKIP
    [Hit(rank=1, id='cats/12.jpg', distance=0.031, ...), ...]
    """

    def __init__(self, state: IndexState) -> None:
        super().__init__(state)
        self._writer = threading.RLock()

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
        passages: PassageMode = "auto",
        keep_content: bool = True,
        workspace: Path | None = None,
        on_progress: ProgressCallback | None = None,
        **params: Any,
    ) -> Self:
        """Train a coder on items and index all of them.

        Parameters
        ----------
        items : path, or collection of Item that can be iterated more than once
        features : Features, optional
            By default pixels of images, bags of words of documents, and vectors as they are.
        coder : str or Coder, optional
            A name in `catalog.CODERS`, or an unfitted coder. By default the neighbor autoencoder.
        code_size : int, optional
            Dimensions of a code. By default 64, or less for small rows or collections.
        bits : bool
            Whether to convert the codes to bits (iterative quantization).
        store : name in `catalog.STORES`, optional. By default the first that supports the codes.
        training_sample : maximum number of items to train on. By default 60,000.
        passages : {"auto", "on", "off"}
            Which documents are split into passages: those longer than 1.5 passages, all, or none.
        keep_content : bool
            Whether the index stores documents, for search by words, snippets and reranking. Otherwise it has codes only.
        workspace : Path, optional
            Folder for intermediate results; the same call resumes an interrupted build. Delete it once the index is saved.
        on_progress : callable that takes a Progress, optional
        **params : parameters of a coder given by name

        Raises
        ------
        NoItems, UnknownName, WrongKind, InvalidParameter
            If no item can be read, a name or a parameter does not suit the items, or `workspace` holds other files.
        """
        from aesearch.index.build import build_index  # not at the top, because queries start faster without it
        from aesearch.index.plan import BuildPlan

        plan = BuildPlan(items, features, coder, code_size, bits, store, training_sample, passages, keep_content, params)
        return cls(build_index(plan, workspace, on_progress or ignore_progress))

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, encoder_only: bool = True) -> Self:
        """Load the index in a folder.

        Parameters
        ----------
        folder : path
        encoder_only : bool
            Load only the encoder of an autoencoder. It needs no torch, and is enough to query, add and remove. If false,
            load the whole autoencoder, which can also decode.

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
        with self._writer:
            save_state(self._state, Path(folder))

    def refresh(self) -> bool:
        """Load the index again if another process has committed a newer version. Unsaved changes are lost then.

        Returns
        -------
        bool
            Whether there was a newer version.

        Raises
        ------
        NoIndex
            If the index was never saved.
        """
        with self._writer:
            newer = refresh_state(self._state)
            self._state = newer or self._state
        return newer is not None

    def verify(self) -> None:
        """Compare every file with its checksum, and the codes with the items. Raises CorruptIndex or NoIndex."""
        with self._writer:
            verify_state(self._state)

    def sync(
        self, files: FileCollection, on_progress: ProgressCallback | None = None, *, allow_removals: bool = False
    ) -> Changes:
        """Update the index to the current state of its files. The coder stays as it was trained.

        Only files with a different size or modification time are read, and only items with different content are encoded;
        moved and renamed items keep their codes. Nothing is saved, but `on_progress`, which is called after each batch, may
        save the index: an interrupted sync resumes from there.

        Items whose files cannot be accessed at the moment, such as those below a folder that cannot be opened, stay in the
        index and are recorded as skipped.

        Parameters
        ----------
        files : FileCollection
        on_progress : callable, optional
        allow_removals : bool
            Whether to remove more than half of the items, or all items below a folder that is empty now. Such a sync is
            refused by default if it removes at least 20 items: a disk that is not mounted looks like deleted files.

        Raises
        ------
        WrongKind
            If the files are of another kind than the index.
        TooManyRemovals
            If suspiciously many items would be removed. Nothing is changed then.
        """
        with self._writer:
            from aesearch.index.sync import Synchronizer

            synchronizer = Synchronizer(self._state, files, allow_removals=allow_removals)
            return synchronizer.run(on_progress or ignore_progress)

    def add(self, items: Iterable[Item]) -> int:
        """Encode and store items and return their number. An item replaces the one with the same id.

        Raises
        ------
        WrongKind, InvalidParameter
            If an item does not fit the collection. Items of earlier batches stay added.
        """
        with self._writer:
            from aesearch.index.edits import add_items

            return add_items(self._state, items)

    def remove(self, ids: Sequence[str]) -> int:
        """Remove the items with these ids and return their number. Unknown ids are ignored."""
        with self._writer:
            from aesearch.index.edits import remove_items

            return remove_items(self._state, ids)
