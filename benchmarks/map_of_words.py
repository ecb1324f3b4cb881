"""The famous picture: documents in two dimensions, by a deep autoencoder and by latent semantic analysis, in their colors.

python benchmarks/map_of_words.py --data DATA --out map.png [--epochs 40]

20 Newsgroups, the 2,000 commonest words, the 2,000-500-250-125-D net of Hinton & Salakhutdinov 2006, trained layer by
layer, then as a whole.  Prints, for D = 2 and for codes of 10 and 32 numbers, 1-NN accuracy and P@10 on the test messages
beside LSA of the same size, and draws the test messages for D = 2: the autoencoder's on the left.
"""

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
from family import items
from measure import arguments, table
from PIL import Image, ImageDraw

from aesearch.analysis.evaluation import precision_at
from aesearch.catalog import create_coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.stores.flat import FlatStore

SIDE, DOT = 900, 2


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    train, test = (items(options.data, "20news", half) for half in (0, 1))
    features: Any = BagOfWords(vocabulary=2000).fit(train)
    X, Q = features.transform(train), features.transform(test)
    labels, wanted = (np.array([item.label for item in half]) for half in (train, test))
    order = np.random.default_rng(0).permutation(len(labels))
    X, labels = X[order], labels[order]
    rows, maps = [], []
    for size in (2, 10, 32):
        for name, settings in (("deep", {"layers": (500, 250, 125), "epochs": options.epochs}), ("lsa", {})):
            coder = create_coder(name, "documents", code_size=size, **settings).fit(X)
            codes, asked = coder.encode(X), coder.encode(Q)
            # In two dimensions the map's own distance counts, not the angle.
            store = FlatStore("l2" if size == 2 else "cosine", size)
            store.add(np.arange(len(codes)), codes)
            relevant = labels[store.search(asked, 10)[0]] == wanted[:, None]
            rows.append((size, name, float(precision_at(relevant, 1).mean()), float(precision_at(relevant, 10).mean())))
            if size == 2:
                maps.append(drawn(asked, wanted))
    table(("code size", "coder", "1-NN", "P@10"), rows)
    paper = Image.new("RGB", (2 * SIDE + 20, SIDE), "black")
    for number, map_ in enumerate(maps):
        paper.paste(map_, (number * (SIDE + 20), 0))
    paper.save(options.out)


def drawn(codes: np.ndarray, labels: np.ndarray) -> Image.Image:
    """codes: [N, 2].  The middle 98 % of each axis fill the picture."""
    low, high = np.quantile(codes, (0.01, 0.99), axis=0)
    places = ((codes - low) / np.maximum(high - low, 1e-9)).clip(0, 1) * (SIDE - 20) + 10
    names = sorted(set(labels))
    colors = {
        name: tuple(int(255 * part) for part in colorsys.hsv_to_rgb(n / len(names), 0.8 - 0.3 * (n % 2), 1))
        for n, name in enumerate(names)
    }
    map_ = Image.new("RGB", (SIDE, SIDE), "black")
    pen = ImageDraw.Draw(map_)
    for (x, y), label in zip(places.tolist(), labels, strict=True):
        pen.ellipse((x - DOT, y - DOT, x + DOT, y + DOT), fill=colors[label])
    return map_


if __name__ == "__main__":
    main()
