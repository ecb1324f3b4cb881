"""Prediction of hidden image patches by the masked autoencoder.

    python benchmarks/masked.py --data DATA [--sets mnist,fashion-mnist,cifar10-subset,clothing] [--epochs N] [--size tiny]
                                [--items 10000] [--output FOLDER]

Three quarters of the patches of each test image are hidden at random. Prints the mean squared error of the hidden
patches, per pixel and channel in 0..1, for the masked autoencoder and for two baselines: the mean training image, and a
copy of the nearest visible patch. --output writes a sheet per set with the visible patches, the predictions and the
originals.

Claim: the masked autoencoder predicts hidden patches better than both baselines.
"""

import time
from pathlib import Path

import numpy as np
import torch
from datasets import IMAGE_SETS, load_items, sample_items
from harness import comma_separated, create_parser, print_table
from PIL import Image

from aesearch.arrays import scale_pixels
from aesearch.autoencoders.masked import MaskedAutoencoder
from aesearch.autoencoders.vision_transformer import patchify, unpatchify
from aesearch.features.pixels import Pixels

N_QUERIES = 1000
IMAGES_PER_ROW = 12
MIN_SHEET_IMAGE_PIXELS = 64


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--sets", type=comma_separated, default=",".join(IMAGE_SETS[:4]))
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--size", default="tiny", help="size of the transformer")
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--output", type=Path, help="folder for sheets of images")
    options = parser.parse_args()
    params = {"epochs": options.epochs} if options.epochs else {}
    results = []
    for name in options.sets:
        database = sample_items(load_items(options.data, name, "database"), options.items)
        queries = sample_items(load_items(options.data, name, "queries"), N_QUERIES)
        pixels = Pixels().fit(database)
        X, images = pixels.transform(database), scale_pixels(pixels.transform(queries))
        start = time.perf_counter()
        coder = MaskedAutoencoder(32, size=options.size, **params).fit(X)
        seconds = time.perf_counter() - start
        predicted, is_hidden = coder.reconstruct_masked(pixels.transform(queries))
        mean_image = np.broadcast_to(X.mean(0) / 255, images.shape)
        guesses = (predicted, mean_image, copy_nearest_patches(coder, images, is_hidden))
        hidden_pixels = np.broadcast_to(is_hidden, images.shape)
        errors = (float(((guess - images) ** 2)[hidden_pixels].mean()) for guess in guesses)
        results.append((name, *(round(error, 4) for error in errors), round(seconds)))
        print("#", *results[-1], flush=True)
        if options.output:
            options.output.mkdir(parents=True, exist_ok=True)
            sheet = draw_sheet([np.where(is_hidden, 0.5, images), predicted, images])
            sheet.save(options.output / f"masked-{name}.png")
    print_table(("set", "masked autoencoder", "mean image", "nearest visible patch", "training, s"), results)


def copy_nearest_patches(coder: MaskedAutoencoder, images: np.ndarray, is_hidden: np.ndarray) -> np.ndarray:
    """Return the images [N, C, H, W] with each hidden patch replaced by the nearest visible one."""
    patches = patchify(torch.from_numpy(images), coder.patch_side)
    hidden_patches = patchify(torch.from_numpy(is_hidden).float(), coder.patch_side)[:, :, 0].bool()
    height, width = (side // coder.patch_side for side in images.shape[2:])
    grid = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    centers = torch.stack(grid, -1).flatten(0, 1)
    distances = torch.cdist(centers, centers)[None].expand(len(images), -1, -1)
    nearest = distances.masked_fill(hidden_patches[:, None, :], torch.inf).argmin(2)
    copied = patches.gather(1, nearest[..., None].expand(-1, -1, patches.shape[2]))
    return unpatchify(copied, coder.patch_side, *images.shape[2:]).numpy()


def draw_sheet(rows: list[np.ndarray]) -> Image.Image:
    """Draw the first images of each array [N, C, H, W] side by side, enlarged to at least MIN_SHEET_IMAGE_PIXELS."""
    scale = max(1, MIN_SHEET_IMAGE_PIXELS // rows[0].shape[3])
    sheet = np.concatenate([np.concatenate(list(row[:IMAGES_PER_ROW]), axis=2) for row in rows], axis=1)  # [C, H, W]
    sheet = np.repeat(np.repeat(np.broadcast_to(sheet, (3, *sheet.shape[1:])), scale, 1), scale, 2)
    return Image.fromarray((sheet.transpose(1, 2, 0).clip(0, 1) * 255).astype(np.uint8))


if __name__ == "__main__":
    main()
