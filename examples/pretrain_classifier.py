"""Pretrain a classifier without labels: start it from the encoder of an autoencoder, or from random weights.

    python examples/pretrain_classifier.py

Each autoencoder is trained on 1,400 handwritten digits of scikit-learn without labels. Then its encoder and a new output
layer are trained on 100, 1,000 or all 1,400 labels, and so is the same network with random weights. With few labels, the
encoder of the neighbor autoencoder is clearly the better start; that of the denoising autoencoder gains nothing here.
"""

import copy

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from aesearch.catalog import create_coder

N_TRAIN = 1400
LABEL_COUNTS = (100, 1000, N_TRAIN)
N_SEEDS = 3
N_STEPS = 300
BATCH_SIZE = 64


def main() -> None:
    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = (digits.images[order, None] * (255 / 16)).astype(np.uint8)
    x, y = torch.from_numpy(images / np.float32(255)), torch.from_numpy(digits.target[order])
    print(f"accuracy on {len(x) - N_TRAIN} held-out digits, mean of {N_SEEDS} seeds")
    print("autoencoder  labels  pretrained  random weights")
    for name in ("neighbors", "denoising"):
        coder = create_coder(name, "images", code_size=32).fit(images[:N_TRAIN])
        # The encoder of "neighbors" reads descriptors of the image, other encoders standardized pixels.
        input_layer = coder.descriptor_layer if name == "neighbors" else coder.standardizer
        for n_labels in LABEL_COUNTS:
            accuracies = []
            for seed in range(N_SEEDS):
                encoders = coder.encoder, reset_weights(coder.encoder, seed)
                accuracies.append([train_classifier(input_layer, encoder, x, y, n_labels, seed) for encoder in encoders])
            pretrained, random_weights = np.mean(accuracies, axis=0)
            print(f"{name:11}  {n_labels:6}  {pretrained:10.3f}  {random_weights:14.3f}")


def train_classifier(
    input_layer: nn.Module, encoder: nn.Sequential, x: torch.Tensor, y: torch.Tensor, n_labels: int, seed: int
) -> float:
    """Train a network on the first `n_labels` images, and return its accuracy on the held-out ones."""
    torch.manual_seed(seed)
    network = nn.Sequential(copy.deepcopy(input_layer), copy.deepcopy(encoder), nn.LazyLinear(len(y.unique()))).train()
    network(x[:2])  # creates the weights of the last layer
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
    for _ in range(N_STEPS):
        batch = torch.randint(n_labels, (BATCH_SIZE,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    network.eval()
    with torch.no_grad():
        return float((network(x[N_TRAIN:]).argmax(1) == y[N_TRAIN:]).float().mean())


def reset_weights(encoder: nn.Sequential, seed: int) -> nn.Sequential:
    """Return a copy of an encoder with random weights."""
    torch.manual_seed(seed)
    encoder = copy.deepcopy(encoder)
    for layer in encoder:
        if isinstance(layer, nn.Linear):
            layer.reset_parameters()
    return encoder


if __name__ == "__main__":
    main()
