"""Two-dimensional codes of documents: a deep autoencoder against latent semantic analysis.

    python benchmarks/document_map.py --data DATA --output map.png [--epochs 40]

Reproduces the document map of Hinton & Salakhutdinov 2006 with 20 Newsgroups: the 2,000 most frequent terms, and a
network 2,000-500-250-125-D that is pretrained layer by layer. Prints 1-NN accuracy and P@10 of the test messages for D =
2, 10 and 32. Draws the test messages for D = 2, one color per class, the autoencoder on the left.

Claim: in two dimensions, the autoencoder separates the classes better than LSA.
"""

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
from datasets import load_items, transform_labeled
from harness import create_parser, print_table
from PIL import Image, ImageDraw

from aesearch.analysis.metrics import precision_at
from aesearch.catalog import create_coder
from aesearch.features.bag_of_words import BagOfWords
from aesearch.stores.flat import FlatStore

MAP_SIDE_PIXELS = 900
MARGIN_PIXELS = 10
DOT_RADIUS_PIXELS = 2
CODE_SIZES = (2, 10, 32)


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--output", type=Path, required=True, help="image file to write")
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args()
    database, queries = (load_items(options.data, "20news", split) for split in ("database", "queries"))
    features: Any = BagOfWords(vocabulary_size=2000)
    rows = transform_labeled(features, database, queries).shuffled()
    results, maps = [], []
    for code_size in CODE_SIZES:
        for name, params in (("deep", {"layers": (500, 250, 125), "epochs": options.epochs}), ("lsa", {})):
            coder = create_coder(name, "documents", code_size=code_size, **params).fit(rows.X)
            codes, query_codes = coder.encode(rows.X), coder.encode(rows.Q)
            # On a map, distance matters rather than angle.
            store = FlatStore("l2" if code_size == 2 else "cosine", code_size)
            store.add(np.arange(len(codes)), codes)
            is_relevant = rows.labels[store.search(query_codes, 10)[0]] == rows.query_labels[:, None]
            results.append((code_size, name, *(float(precision_at(is_relevant, k).mean()) for k in (1, 10))))
            if code_size == 2:
                maps.append(draw_map(query_codes, rows.query_labels))
    print_table(("code size", "coder", "1-NN", "P@10"), results)
    gap = 2 * MARGIN_PIXELS
    canvas = Image.new("RGB", (2 * MAP_SIDE_PIXELS + gap, MAP_SIDE_PIXELS), "black")
    for column, image in enumerate(maps):
        canvas.paste(image, (column * (MAP_SIDE_PIXELS + gap), 0))
    canvas.save(options.output)


def draw_map(codes: np.ndarray, labels: np.ndarray) -> Image.Image:
    """Draw codes of shape (n_items, 2) as dots. The middle 98 % of each axis fill the image."""
    low, high = np.quantile(codes, (0.01, 0.99), axis=0)
    scaled = ((codes - low) / np.maximum(high - low, 1e-9)).clip(0, 1)
    positions = scaled * (MAP_SIDE_PIXELS - 2 * MARGIN_PIXELS) + MARGIN_PIXELS
    colors = class_colors(labels)
    image = Image.new("RGB", (MAP_SIDE_PIXELS, MAP_SIDE_PIXELS), "black")
    draw = ImageDraw.Draw(image)
    for position, label in zip(positions.tolist(), labels, strict=True):
        draw.circle(position, DOT_RADIUS_PIXELS, fill=colors[label])
    return image


def class_colors(labels: np.ndarray) -> dict[str, tuple[int, ...]]:
    """Return evenly spaced hues that alternate in saturation, as RGB in 0..255, by class."""
    classes = sorted(set(labels.tolist()))
    hsv = [(number / len(classes), 0.8 - 0.3 * (number % 2), 1) for number in range(len(classes))]
    return {
        name: tuple(int(255 * channel) for channel in colorsys.hsv_to_rgb(*color))
        for name, color in zip(classes, hsv, strict=True)
    }


if __name__ == "__main__":
    main()
