"""Detection of edited copies among all photos, against difference hashes (dHash).

    python near_copies.py OUT                 (in DATA: writes edited copies of 200 clothing photos, and OUT/truth.csv)
    python benchmarks/duplicates.py --data DATA --copies OUT

Originals and copies are in one collection. A pair is correct if both items derive from the same original. A copy is found
if it is in a correct pair. Each method gets the lowest threshold at which 95 % of its pairs are correct, which gives its
best recall at that precision; aesearch is also evaluated at its default threshold. `features` are the cosines of the
rerank features of neighbors by code, which `aesearch duplicates` used for images before it aligned them.

Claim: at the default threshold, at least 95 % of the pairs that `aesearch duplicates` reports are correct.
"""

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from harness import create_parser, print_table
from near_duplicates import read_truth
from PIL import Image

from aesearch import Retriever
from aesearch.analysis.duplicates import N_NEIGHBORS, find_candidate_pairs
from aesearch.analysis.image_copies import find_image_pairs
from aesearch.analysis.neighborhoods import ignore_unreadable
from aesearch.search.alignment import COPY_AGREEMENT
from aesearch.stores.flat import FlatStore

MIN_PRECISION = 0.95

Pair = tuple[str, str, float]
"""Ids of two items, and their similarity."""


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--copies", type=Path, required=True, help="output folder of near_copies.py")
    options = parser.parse_args()
    photos = options.data / "image" / "clothing"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        for path in photos.rglob("*.jpg"):
            link_file(path, folder / path.relative_to(photos))
        original_of, edit_of = {}, {}
        for row in read_truth(options.copies):
            name = f"copies/{Path(row['query']).name}"
            link_file(options.copies / "img" / Path(row["query"]).name, folder / name)
            original_of[name], edit_of[name] = row["original"], row["edit"]
        index = Retriever.build(folder, code_size=64)
        ids = {row.key: row.id for row in index.ledger.all_rows()}
        keys = np.array(list(ids), np.int64)
        methods = {
            "aesearch": [(ids[a], ids[b], score) for a, b, score in find_image_pairs(index, keys, ignore_unreadable)],
            "features": [(ids[a], ids[b], score) for a, b, score in find_candidate_pairs(index, keys)],
            "dHash": [(ids[a], ids[b], similarity) for a, b, similarity in hash_pairs(folder, ids)],
        }
    columns = {}
    for name, pairs in methods.items():
        is_correct = np.array([original_of.get(a, a) == original_of.get(b, b) for a, b, _ in pairs])
        similarities = np.array([similarity for *_, similarity in pairs])
        threshold = lowest_precise_threshold(is_correct, similarities)
        columns[f"{name}, {threshold:.3f}"] = score_pairs(pairs, is_correct, similarities >= threshold, edit_of)
        if name == "aesearch":
            is_default = similarities >= COPY_AGREEMENT
            columns[f"{name}, {COPY_AGREEMENT} (default)"] = score_pairs(pairs, is_correct, is_default, edit_of)
    edits = [*dict.fromkeys(edit_of.values()), "mean", "precision of pairs"]
    print_table(("edit", *columns), [(edit, *(column[edit] for column in columns.values())) for edit in edits])


def lowest_precise_threshold(is_correct: np.ndarray, similarities: np.ndarray) -> float:
    """Return the lowest similarity at which MIN_PRECISION of the pairs [P] are correct."""
    order = np.argsort(-similarities, kind="stable")
    is_precise = np.cumsum(is_correct[order]) / np.arange(1, len(order) + 1) >= MIN_PRECISION
    # A threshold cannot separate tied pairs.
    is_precise &= np.append(np.diff(similarities[order]) != 0, True)
    return float(similarities[order][np.flatnonzero(is_precise)[-1]])


def score_pairs(
    pairs: list[Pair], is_correct: np.ndarray, is_selected: np.ndarray, edit_of: dict[str, str]
) -> dict[str, float]:
    """Return the recall by edit, their mean, and the precision of the selected pairs."""
    detected = {id for position in np.flatnonzero(is_correct & is_selected) for id in pairs[position][:2]}
    by_edit = defaultdict(list)
    for name, edit in edit_of.items():
        by_edit[edit].append(name in detected)
    recall = {edit: float(np.mean(is_detected)) for edit, is_detected in by_edit.items()}
    precision = float(is_correct[is_selected].mean())
    return recall | {"mean": float(np.mean(list(recall.values()))), "precision of pairs": precision}


def hash_pairs(folder: Path, ids: dict[int, str]) -> list[tuple[int, int, float]]:
    """Return each photo with its nearest photos by difference hash.

    A hash has 64 bits. Each tells whether a pixel of the image, reduced to 9 x 8, is brighter than its left neighbor.
    """
    hashes = []
    for id in ids.values():
        with Image.open(folder / id) as image:
            pixels = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.LANCZOS), int)
        hashes.append(np.packbits(pixels[:, 1:] > pixels[:, :-1]))
    keys = np.array(list(ids), np.int64)
    store = FlatStore("hamming", 8)
    store.add(keys, np.stack(hashes))
    neighbors, distances = (np.concatenate(parts) for parts in zip(*store.neighbors_of(keys, N_NEIGHBORS), strict=True))
    return [
        (key, neighbor, 1 - distance / 64)
        for key, row, row_distances in zip(keys.tolist(), neighbors.tolist(), distances.tolist(), strict=True)
        for neighbor, distance in zip(row, row_distances, strict=True)
    ]


def link_file(source: Path, target: Path) -> None:
    """Create a symbolic link and its folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source.resolve())


if __name__ == "__main__":
    main()
