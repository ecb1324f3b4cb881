"""What an autoencoder gives back: of items, of noisy pictures, and of nothing at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from aesearch.analysis.evaluation import squared_errors
from aesearch.errors import InvalidParameter, WrongKind
from aesearch.items import Item

if TYPE_CHECKING:
    from aesearch.index.retriever import Retriever

BATCH = 64
GAP = 2
"""Pixels between the pictures of a sheet."""
SIDE = 64
"""Pixels that the shorter side of a picture has on a sheet at least; small ones are enlarged by a whole factor."""


@dataclass(frozen=True)
class Reconstruction:
    """An item beside what its code stands for.

    original, reconstructed : pictures of mode L or RGB at the features' size, or lists of a document's weightiest words.
    squared_error : summed over the row; pixels in 0..1.
    hidden : what a masked autoencoder was shown of the original, gray where patches were taken away; of others None.
    """

    id: str
    original: Any
    reconstructed: Any
    squared_error: float
    hidden: Any = None


def reconstruct(retriever: Retriever, items: Iterable[Item]) -> Iterator[Reconstruction]:
    """Each item and what is given back of it, as they are read.

    Raises InvalidParameter where the coder was loaded without its decoder (`Retriever.load(folder, encoder_only=False)`), and WrongKind
    where what it gives back is nothing that can be looked at.
    """
    if not retriever.coder.can_decode:
        raise InvalidParameter("the encoder was loaded alone; load the index with encoder_only=False")
    if retriever.features.row_kind == "vectors":
        raise WrongKind("what an index of vectors gives back cannot be looked at; ask an index of pictures or documents")
    remaining = iter(items)
    while batch := list(islice(remaining, BATCH)):
        X = retriever.featurize(batch)
        restore = getattr(retriever.coder, "restore", None)
        if restore is None:
            decoded, shown = retriever.coder.decode(np.asarray(retriever.coder.encode(X))), [None] * len(batch)
        else:
            decoded, gone = restore(X)
            shown = retriever.features.inverse_transform(np.where(gone, np.uint8(128), np.asarray(X)))
        before, after = retriever.features.inverse_transform(X), retriever.features.inverse_transform(decoded)
        for number, (item, error) in enumerate(zip(batch, squared_errors(X, decoded), strict=True)):
            yield Reconstruction(item.id, before[number], after[number], float(error), shown[number])


def sample(retriever: Retriever, count: int, seed: int = 0) -> list[Any]:
    """New pictures, or lists of words, drawn by a variational autoencoder.  Raises InvalidParameter where the coder is none."""
    draw = getattr(retriever.coder, "sample", None)
    if draw is None:
        raise InvalidParameter(
            f'coder "{retriever.coder_name}" draws nothing new; index with --coder variational, without --bits'
        )
    return retriever.features.inverse_transform(draw(count, seed))


def interpolate(retriever: Retriever, first: Item, last: Item, count: int = 10) -> list[Any]:
    """What lies on the straight way from one item's code to another's, both ends among them: pictures, or lists of words.

    Raises InvalidParameter where codes are bits, between which nothing lies, or the encoder was loaded alone.
    """
    if not retriever.coder.can_decode or retriever.coder.metric == "hamming":
        raise InvalidParameter(
            "between codes of bits lies nothing, and an encoder alone gives nothing back; index without --bits"
        )
    start, end = retriever.coder.encode(retriever.featurize([first, last]))
    way = np.linspace(0, 1, count, dtype=np.float32)[:, None]
    return retriever.features.inverse_transform(retriever.coder.decode((1 - way) * start + way * end))


def sheet(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Pictures of one size in rows, on white."""
    shown = [[_enlarged(picture.convert("RGB")) for picture in row] for row in rows]
    width, height = shown[0][0].size
    columns = max(map(len, shown))
    paper = Image.new("RGB", (columns * (width + GAP) - GAP, len(shown) * (height + GAP) - GAP), "white")
    for y, row in enumerate(shown):
        for x, picture in enumerate(row):
            paper.paste(picture, (x * (width + GAP), y * (height + GAP)))
    return paper


def _enlarged(picture: Image.Image) -> Image.Image:
    factor = -(-SIDE // min(picture.size))
    return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
