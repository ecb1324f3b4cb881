"""Speed of the training loop, relative to a bare torch loop.

    python benchmarks/training_loop.py --data DATA [--rounds 7]

Both loops train the same model on the same rows, with the same batches, optimizer and number of steps.

Target: at least 0.9 of the steps per second of the bare loop.
"""

import statistics
import time
from typing import Any

import numpy as np
import torch
from datasets import load_items, set_path
from harness import create_parser, measure_alternately, median_ratio, print_table

from aesearch.arrays import is_sparse
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.training import RowTask, train
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels
from aesearch.readers.folder import read_files

EPOCHS = 2
TARGET_RATIO = 0.9
COLUMNS = ("model", "batch size", "steps/s", "bare loop, steps/s", "ratio", "target")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    photos = load_items(options.data, "clothing", "database")
    images = np.ascontiguousarray(Pixels().fit(photos).transform(photos))
    messages = list(read_files(set_path(options.data, "20news", "database")))
    bags_of_words = BagOfWords().fit(messages).transform(messages)
    rows = []
    for name, X, architecture in (
        ("convolutional, photos", images, "convolutional"),
        ("dense, photos", images, "dense"),
        ("dense, documents", bags_of_words, "dense"),
    ):
        ours, bare = measure_alternately(
            options.rounds,
            lambda X=X, architecture=architecture: run_training_loop(X, architecture),  # type: ignore[misc]
            lambda X=X, architecture=architecture: run_bare_loop(X, architecture),  # type: ignore[misc]
        )
        batch_size = create_model(X, architecture).config.batch_size
        medians = statistics.median(ours), statistics.median(bare)
        rows.append((name, batch_size, *medians, median_ratio(ours, bare), TARGET_RATIO))
    print_table(COLUMNS, rows)


def create_model(X: Any, architecture: str) -> Autoencoder:
    """Return an untrained model for the rows X."""
    torch.manual_seed(0)
    model = Autoencoder(64, architecture=architecture, epochs=EPOCHS, validation=0.0, device="cpu")
    model._build(tuple(X.shape[1:]), is_sparse=is_sparse(X))
    return model


def run_training_loop(X: Any, architecture: str) -> float:
    """Train with the loop of aesearch; return the steps per second."""
    model = create_model(X, architecture)
    start = time.perf_counter()
    for _ in train(RowTask(model, X, model.config)):
        pass
    return count_steps(X, model) / (time.perf_counter() - start)


def run_bare_loop(X: Any, architecture: str) -> float:
    """Train with a bare loop; return the steps per second."""
    model = create_model(X, architecture)
    start = time.perf_counter()
    optimizer = torch.optim.AdamW(model.parameters(), model.config.learning_rate, weight_decay=0.0, fused=True)
    dense = None if is_sparse(X) else torch.from_numpy(X)
    for _ in range(EPOCHS):
        for rows in torch.randperm(X.shape[0]).split(model.config.batch_size):
            if dense is None:
                batch: Any = SparseBatch.from_csr(X[rows.numpy()], torch.device("cpu"))
            else:
                batch = dense[rows].float() / 255
            loss = model.objective(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return count_steps(X, model) / (time.perf_counter() - start)


def count_steps(X: Any, model: Autoencoder) -> int:
    """Return the number of optimization steps of a training."""
    return EPOCHS * -(-X.shape[0] // model.config.batch_size)


if __name__ == "__main__":
    main()
