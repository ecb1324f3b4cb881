"""An encoder that has seen pictures without labels starts a classifier, beside one that starts from nothing.

    python examples/pretraining.py

scikit-learn's handwritten digits: each autoencoder learns from 1,400 of them without labels, then its encoder and one new
layer are trained on 100, 1,000 or all of the labels; beside it the same network with fresh weights.  An encoder that has
learned to give back neighbors is a start worth having where labels are few; one that restores pixels is hardly any here.
"""

import copy

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from aesearch.catalog import create_coder

TRAIN = 1400
SEEDS = 3


def main() -> None:
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    pictures = (digits.images[order, None] * (255 / 16)).astype(np.uint8)
    x, y = torch.from_numpy(pictures / np.float32(255)), torch.from_numpy(digits.target[order])
    print(f"accuracy on {len(x) - TRAIN} held-out digits, mean of {SEEDS} seeds")
    print("autoencoder  labels  from its encoder  from nothing")
    for name in ("neighbors", "denoising"):
        coder = create_coder(name, "images", code_size=32).fit(pictures[:TRAIN])
        # What an encoder is fed with is a module too: standardized pixels, or the descriptions of `neighbors`.
        before = coder.describe if name == "neighbors" else coder.standard
        for labels in (100, 1000, TRAIN):
            started, fresh = (
                np.mean([accuracy(before, coder.encoder, start, x, y, labels, seed) for seed in range(SEEDS)])
                for start in (True, False)
            )
            print(f"{name:11}  {labels:6}  {started:16.3f}  {fresh:12.3f}")


def accuracy(
    before: nn.Module, encoder: nn.Module, start: bool, x: torch.Tensor, y: torch.Tensor, labels: int, seed: int
) -> float:
    """Trains the whole network on the first `labels` items; the share of the held-out ones that it then names rightly."""
    torch.manual_seed(seed)
    encoder = copy.deepcopy(encoder)
    if not start:
        for layer in encoder:
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
    network = nn.Sequential(copy.deepcopy(before), encoder, nn.LazyLinear(10)).train()
    network(x[:2])
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    for _ in range(300):
        batch = torch.randint(labels, (64,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        return float((network(x[TRAIN:]).argmax(1) == y[TRAIN:]).float().mean())


if __name__ == "__main__":
    main()
