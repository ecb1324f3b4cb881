"""What a masked autoencoder makes of hidden patches, beside the mean picture and the nearest patch that is seen.

python benchmarks/masked.py --data DATA [--sets mnist,fashion-mnist,cifar10-subset,clothing] [--epochs N] [--size tiny]
                            [--items 10000] [--pictures FOLDER]

Squared error of the hidden patches of test pictures, a pixel and channel in 0..1; three quarters of the patches are hidden,
drawn at random.  FOLDER is given a sheet of each set: what was seen, what was made of it, the original.
"""

import time
from pathlib import Path

import numpy as np
import torch
from family import items, some
from measure import arguments, table
from PIL import Image

from aesearch.autoencoders.masked import MaskedAutoencoder
from aesearch.features.pixels import Pixels

SHOWN = 12


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--sets", default="mnist,fashion-mnist,cifar10-subset,clothing")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    rows = []
    for name in options.sets.split(","):
        database, queries = some(items(options.data, name, 0), options.items), some(items(options.data, name, 1), 1000)
        features = Pixels().fit(database)
        X, Q = features.transform(database), features.transform(queries)
        began = time.perf_counter()
        coder = MaskedAutoencoder(32, size=options.size, **({"epochs": options.epochs} if options.epochs else {}))
        coder.fit(X)
        seconds = time.perf_counter() - began
        restored, hidden = coder.restore(Q)
        clean = Q / np.float32(255)
        guesses = restored, np.broadcast_to(X.mean(0) / 255, clean.shape), nearest(coder, clean, hidden)
        gone = np.broadcast_to(hidden, clean.shape)
        errors = (float(((guess - clean) ** 2)[gone].mean()) for guess in guesses)
        rows.append((name, *(round(error, 4) for error in errors), round(seconds)))
        print("#", *rows[-1], flush=True)
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            sheet([np.where(hidden, 0.5, clean), restored, clean]).save(options.pictures / f"masked-{name}.png")
    table(("set", "restored", "the mean picture", "the nearest patch seen", "seconds to train"), rows)


def nearest(coder: MaskedAutoencoder, clean: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Each hidden patch as the nearest one that is seen: [N, C, H, W]."""
    patches = coder.patchify(torch.from_numpy(clean))
    gone = coder.patchify(torch.from_numpy(hidden).float())[:, :, 0].bool()
    height, width = (side // coder.side for side in clean.shape[2:])
    grid = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    places = torch.stack(grid, -1).flatten(0, 1)
    apart = torch.cdist(places, places)[None].expand(len(clean), -1, -1).masked_fill(gone[:, None, :], torch.inf)
    copied = patches.gather(1, apart.argmin(2)[..., None].expand(-1, -1, patches.shape[2]))
    return coder.unpatchify(copied, *clean.shape[2:]).numpy()


def sheet(rows: list[np.ndarray]) -> Image.Image:
    """SHOWN pictures of each row, side by side, each at least 64 pixels wide."""
    scale = max(1, 64 // rows[0].shape[3])
    whole = np.concatenate([np.concatenate(list(row[:SHOWN]), axis=2) for row in rows], axis=1)  # [C, H, W]
    whole = np.repeat(np.repeat(np.broadcast_to(whole, (3, *whole.shape[1:])), scale, 1), scale, 2)
    return Image.fromarray((whole.transpose(1, 2, 0).clip(0, 1) * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
