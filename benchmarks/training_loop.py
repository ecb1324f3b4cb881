"""The training loop against a bare torch loop with the same model, rows, batches, optimizer and number of steps.

python benchmarks/training_loop.py --data DATA

Bar: at least 0.9 of the bare loop's steps a second.
"""

import statistics
import time
from typing import Any

import numpy as np
import torch
from measure import arguments, in_turn, ratio, table

from aesearch.arrays import is_sparse
from aesearch.autoencoders.autoencoder import USUAL, Autoencoder
from aesearch.autoencoders.batches import SparseBatch
from aesearch.autoencoders.training import TrainingConfig, train
from aesearch.features.bag_of_words import BagOfWords
from aesearch.features.pixels import Pixels
from aesearch.readers.folder import read_files

EPOCHS = 2


def model_for(X: Any, body: str) -> Autoencoder:
    torch.manual_seed(0)
    model = Autoencoder(64, body=body, epochs=EPOCHS, validation=0.0, device="cpu")
    model._build(tuple(X.shape[1:]), sparse=is_sparse(X))
    return model


def ours(X: Any, body: str) -> float:
    model = model_for(X, body)
    began = time.perf_counter()
    for _ in train(model, X, model.plan):
        pass
    return steps(X, model.plan) / (time.perf_counter() - began)


def bare(X: Any, body: str) -> float:
    model = model_for(X, body)
    plan = model.plan
    began = time.perf_counter()
    optimizer = torch.optim.AdamW(model.parameters(), plan.learning_rate, weight_decay=0.0, fused=True)
    dense = None if is_sparse(X) else torch.from_numpy(X)
    for _ in range(EPOCHS):
        for rows in torch.randperm(X.shape[0]).split(plan.batch_size):
            batch = SparseBatch.of(X[rows.numpy()], torch.device("cpu")) if dense is None else dense[rows].float() / 255
            loss = model.objective(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return steps(X, plan) / (time.perf_counter() - began)


def steps(X: Any, plan: TrainingConfig) -> float:
    return EPOCHS * -(-X.shape[0] // plan.batch_size)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    photos = list(read_files(options.data / "image" / "clothing" / "train"))
    pictures = np.ascontiguousarray(Pixels().fit(photos).transform(photos))
    messages = list(read_files(options.data / "text" / "20news" / "train.jsonl.gz"))
    words = BagOfWords().fit(messages).transform(messages)
    rows = []
    for what, X, body in (
        ("convolutional, photos", pictures, "convolutional"),
        ("dense, photos", pictures, "dense"),
        ("dense, words", words, "dense"),
    ):
        fast, plain = in_turn(options.rounds, lambda X=X, body=body: ours(X, body), lambda X=X, body=body: bare(X, body))
        batch = USUAL["words" if is_sparse(X) else "pictures"]["batch_size"]
        rows.append((what, batch, statistics.median(fast), statistics.median(plain), ratio(fast, plain), 0.9))
    table(("model", "batch", "steps/s", "bare loop, steps/s", "ratio", "bar"), rows)


if __name__ == "__main__":
    main()
