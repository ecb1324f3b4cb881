"""Altered copies of photos, found among all photos: recall by edit at a precision of 0.95, beside dHash.

python near_copies.py OUT                 (in DATA: makes the copies of 200 of the clothing photos, OUT/truth.csv)
python benchmarks/duplicates.py --data DATA --copies OUT

The photos and their copies lie in one folder.  A pair is right where both are of one original; a copy is found where it is
paired with its original or another of its copies.  Each method's threshold is the lowest at which 95 % of its pairs are
right, so the recall is the best that the method could do; the pairs of the default threshold are judged beside it.
"""

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from measure import arguments, table
from near_copies import altered
from PIL import Image

from aesearch import Retriever
from aesearch.analysis.duplicates import NEIGHBORS, THRESHOLD, likely_pairs
from aesearch.stores.flat import FlatStore

PRECISION = 0.95


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--copies", type=Path, required=True)
    options = parser.parse_args()
    truth = altered(options.copies)
    originals = options.data / "image" / "clothing"
    with tempfile.TemporaryDirectory() as place:
        photos = Path(place) / "photos"
        for path in originals.rglob("*.jpg"):
            link(path, photos / path.relative_to(originals))
        of, edit = {}, {}
        for row in truth:
            name = f"copies/{Path(row['query']).name}"
            link(options.copies / "img" / Path(row["query"]).name, photos / name)
            of[name], edit[name] = row["original"], row["edit"]
        index = Retriever.build(photos, code_size=64)
        keys = np.array([row.key for row in index.ledger.all_rows()], np.int64)
        id_of = {row.key: row.id for row in index.ledger.all_rows()}
        methods = {
            "aesearch": [(id_of[a], id_of[b], alike) for a, b, alike in likely_pairs(index, keys)],
            "dHash": [(id_of[a], id_of[b], alike) for a, b, alike in hashed_pairs(photos, keys, id_of)],
        }
    columns = {}
    for name, pairs in methods.items():
        right = np.array([of.get(a, a) == of.get(b, b) for a, b, _ in pairs])
        alike = np.array([alike for *_, alike in pairs])
        order = np.argsort(-alike, kind="stable")
        precise = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= PRECISION
        precise &= np.append(np.diff(alike[order]) != 0, True)  # of pairs that tie all are taken, or none
        threshold = float(alike[order][np.flatnonzero(precise)[-1]])
        columns[f"{name} from {threshold:.3f}"] = found(pairs, right, alike >= threshold, edit)
        if name == "aesearch":
            columns[f"{name} from {THRESHOLD} (default)"] = found(pairs, right, alike >= THRESHOLD, edit)
    names = [*dict.fromkeys(edit.values()), "mean", "precision of pairs"]
    table(("edit", *columns), [(one, *(column[one] for column in columns.values())) for one in names])


def found(
    pairs: list[tuple[str, str, float]], right: np.ndarray, taken: np.ndarray, edit: dict[str, str]
) -> dict[str, float]:
    """The share of the copies of each edit that are in a right pair."""
    there = {id for number in np.flatnonzero(right & taken) for id in pairs[number][:2]}
    by_edit = defaultdict(list)
    for name, one in edit.items():
        by_edit[one].append(name in there)
    recall = {one: float(np.mean(hits)) for one, hits in by_edit.items()}
    return recall | {"mean": float(np.mean(list(recall.values()))), "precision of pairs": float(right[taken].mean())}


def hashed_pairs(photos: Path, keys: np.ndarray, id_of: dict[int, str]) -> list[tuple[int, int, float]]:
    """Difference hashes (64 bits: is a pixel of 9 x 8 brighter than the one to its left?), each with its nearest."""
    bits = []
    for key in keys.tolist():
        with Image.open(photos / id_of[key]) as image:
            pixels = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS), int)
        bits.append(np.packbits(pixels[:, 1:] > pixels[:, :-1]))
    store = FlatStore("hamming", 8)
    store.add(keys, np.stack(bits))
    near, far = (np.concatenate(parts) for parts in zip(*store.neighbors_of(keys, NEIGHBORS), strict=True))
    return [
        (key, other, 1 - distance / 64)
        for key, row, distances in zip(keys.tolist(), near.tolist(), far.tolist(), strict=True)
        for other, distance in zip(row, distances, strict=True)
    ]


def link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())


if __name__ == "__main__":
    main()
