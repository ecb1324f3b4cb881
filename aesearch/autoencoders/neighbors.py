"""Reconstruct your neighbors: the target of an item is a mixture of itself and of the items nearest to it.

What an item shares with its neighbors is its subject; what is its own alone is detail.  A code that has to give back the
neighbors' mean keeps the first and lets go of the second.  The neighbors are found in the features to begin with, and
after each round of training in the codes just learned, which find better ones.  Training ends when the two views of
held-out items no longer agree more on their neighbors than before (`aesearch.agreement`): the loss cannot tell.

Chaidaroon, Ebesu & Fang 2018, "Deep semantic text hashing with weak supervision" (NbrReg); Hansen et al. 2020,
"Unsupervised semantic hashing with pairwise reconstruction" (PairRec).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn

from aesearch.agreement import LEAST, neighbor_agreement
from aesearch.arrays import is_sparse
from aesearch.augmentation import two_views, view
from aesearch.autoencoders import dense, descriptors
from aesearch.autoencoders import noise as noises
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import RowBatches, SparseBatch
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.descriptors import CANDIDATES, OF_VECTORS, Descriptors, select_descriptors
from aesearch.autoencoders.neighbor_targets import Material, Mixtures, Pair, latent, mixture, shuffles, stored
from aesearch.autoencoders.scaling import LinearReadout
from aesearch.autoencoders.training import TrainingConfig, descend, diverged, one_cycle
from aesearch.coders.base import Epoch, EpochCallback
from aesearch.errors import InvalidParameter

if TYPE_CHECKING:
    from aesearch.arrays import Rows

HELD_OUT = 1000
"""Items held out of training at most, one in ten, by whose views the codes are scored."""
GRAPH = 20_000
"""Items among which neighbors are looked for, at most: the search grows with the square of the collection."""
FEW = 100
LEAST_NEAR = 3
"""In small collections, whose kinds are small, a neighbor is taken for each FEW items, but at least so many."""
VIEWS = 6
"""Views made of each picture, beside itself, to train on."""
READOUT_ROWS = 10_000
BATCH = 512

LAYERS = {"words": (400,), "pictures": (512,)}
NOISE_LEVEL = {"words": 0.5, "pictures": 0.1}
SHARE = {"words": 0.8, "pictures": 0.6}
USUAL: dict[str, dict[str, Any]] = {
    "words": {"epochs": 15, "steps": 200, "batch_size": 128, "learning_rate": 5e-3, "patience": 2},
    "pictures": {"epochs": 8, "steps": 500, "batch_size": 128, "learning_rate": 2e-3, "patience": 2},
}
"""Rounds, and steps of a round.  Short rounds do better than long ones: neighbors are taken anew before a code has settled
on the last ones."""


class NeighborAutoencoder(Autoencoder):
    """An autoencoder that gives back an item's neighbors: bags of words as they are, pictures and vectors by their
    descriptions.

    Parameters
    ----------
    code_size : numbers of a code, D.
    neighbors : items that a target is mixed from, beside the item itself; fewer where the collection is small.
    share : weight of the neighbors in the target, 0 to 1; the item's own is the rest.  None: 0.8 for words, 0.6 for
        pictures.
    layers : sizes of the encoder's hidden layers.  The decoder has none: it is quicker, and the codes are better for it.
    noise, noise_level : what the input suffers in training; None for 0.5 of the words, 0.1 of a picture's numbers,
        which other views vary already.
    descriptors : of pictures, the weight of each description: {"gradients": 1.0, "colors": 0.5} ...  None: of CANDIDATES,
        the one whose neighbors agree best.
    budget : seconds after which no further round begins.  Where it cuts training short, a slower machine learns less.
    **training : the fields of `Training`.  `epochs` are the rounds at most, `steps` those of one round, `patience` the
        rounds without a better agreement after which training ends.

    Attributes
    ----------
    describe : Descriptors, of pictures.
    mirror : whether the collection's pictures may as well be seen mirrored, as photos may; learned by fit().  The code is
        then the sum of those of the picture and of its mirror image, and the same for both.
    """

    describe: Descriptors
    readout: LinearReadout
    mirror = False

    def __init__(
        self,
        code_size: int = 64,
        *,
        neighbors: int = 30,
        share: float | None = None,
        layers: Sequence[int] | None = None,
        noise: str | None = "masking",
        noise_level: float | None = None,
        descriptors: Mapping[str, float] | None = None,
        budget: float = 60.0,
        **training: Any,
    ) -> None:
        super().__init__(code_size, layers=layers, noise=noise, noise_level=noise_level, **training)
        if neighbors < 1 or not 0 <= (share or 0) <= 1 or not budget > 0:
            raise InvalidParameter(
                "neighbors: at least 1 neighbor, a share in 0 to 1 and a budget above 0 seconds are needed"
            )
        self.neighbors, self.share, self.budget = neighbors, share, budget
        self.descriptors = None if descriptors is None else dict(descriptors)
        self.name = "neighbors"

    # The steps.

    def to_code(self, x: Tensor | SparseBatch) -> Tensor:
        """[B, C, H, W] or SparseBatch -> [B, D]"""
        return self.encoder(x) if isinstance(x, SparseBatch) else self._both(x)[0]

    def _both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B, C, H, W] -> codes [B, D] and descriptions [B, size]"""
        if not self.mirror:
            described = self.describe(x)
            return self.encoder(described), described
        described, mirrored = self.describe.both_ways(x)
        return self.encoder(described) + self.encoder(mirrored), described

    def objective(self, pair: Pair) -> Tensor:
        y = self.decoder(self.encoder(self.corrupt(pair.x)))
        if self.sparse:  # cross-entropy of the words' shares with the softmax
            return (y.logsumexp(1) - (y * pair.target).sum(1)).mean()
        return (y - pair.target).square().mean()

    # Learning.

    def fit(self, X: Rows, on_epoch: EpochCallback | None = None, checkpoint: Path | None = None) -> Self:
        """Learns from X: [N, V] csr, pictures [N, C, H, W], or vectors [N, D]; see `Coder.fit`."""
        began = time.perf_counter()
        with torch.random.fork_rng():
            torch.manual_seed(self.plan.seed)
            draw = np.random.default_rng(self.plan.seed)
            shuffled = draw.permutation(X.shape[0])
            held = min(HELD_OUT, X.shape[0] // 10)
            held_out, rows = X[np.sort(shuffled[:held])], X[np.sort(shuffled[held:])]
            learned = self._of_words(rows, held_out, draw) if is_sparse(X) else self._of_described(rows, held_out, draw)
            self._descend(learned, began, on_epoch or (lambda epoch: None), checkpoint)
        if self.sparse:
            self._fit_gain(X)
        else:
            some = np.asarray(X)[:: max(1, X.shape[0] // READOUT_ROWS)]
            self.readout.fit(self.encode(some), some)
        return self

    def _of_words(self, rows: Any, held_out: Any, draw: np.random.Generator) -> Material:
        self._build(tuple(rows.shape[1:]), sparse=True)
        total = np.maximum(rows.sum(1), 1e-12)
        shares = csr_array(rows.multiply((1 / total)[:, None]))
        return Material(
            own=shares,
            inputs=[RowBatches(rows, self.plan.chosen_device())],
            first=latent(rows, draw),
            views=[RowBatches(half, self.plan.chosen_device()) for half in two_views(held_out, draw)],
        )

    def _of_described(self, rows: Rows, held_out: Rows, draw: np.random.Generator) -> Material:
        """Of pictures and vectors."""
        rows, held_out = np.asarray(rows), np.asarray(held_out)
        describe, self.mirror = select_descriptors(rows, held_out, self.descriptors, draw)
        self._build(tuple(rows.shape[1:]), sparse=False, weights=describe.weights)
        self.describe.load_state_dict(describe.state_dict())
        device = self.plan.chosen_device()
        own = self.describe.of(rows)
        others = VIEWS if rows.ndim == 4 else 0  # a vector has no others that would be at home in the collection
        seen = [own, *(_halved(self.describe.of(view(rows, draw, mirror=self.mirror))) for _ in range(others))]
        views = [self.describe.of(half) for half in two_views(held_out, draw, mirror=self.mirror)]
        return Material(own, [RowBatches(some, device) for some in seen], own, [RowBatches(half, device) for half in views])

    def _descend(self, learned: Material, began: float, watch: Callable[[Epoch], None], path: Path | None) -> None:
        """Round after round; the weights that agreed best are kept."""
        plan = self.plan
        self.to(plan.chosen_device())
        inputs, count = learned.inputs[0], len(learned.inputs[0])
        near = min(self.neighbors, max(LEAST_NEAR, count // FEW), count - 1)
        rounds = plan.epochs or 1
        share = SHARE["words" if self.sparse else "pictures"] if self.share is None else self.share
        graph = np.arange(0, count, max(1, -(-count // GRAPH)))
        codes, best, best_round, best_weights = learned.first, -1.0, 0, None
        done, over = list[Epoch](), False
        checkpoint = Checkpoint(path, self)
        if before := checkpoint.begin():
            best, best_round, best_weights = before["best"], before["best_round"], before["best_weights"]
            done, over, began = [Epoch(**epoch) for epoch in before["epochs"]], before["over"], began - before["spent"]
            codes = self._encoded(inputs)
            checkpoint.resumed()
            for epoch in done:
                watch(epoch)
        while not over:
            round_began, number = time.perf_counter(), len(done) + 1
            targets = Mixtures(learned, mixture(codes, graph, near, share), plan.chosen_device())
            optimizer, schedule = one_cycle(self, plan, plan.steps)
            loss = descend(self, targets, shuffles(count, plan.batch_size, plan.steps), optimizer, schedule)
            if not isfinite(loss):
                raise diverged(plan, number)
            codes = self._encoded(inputs)
            score = None
            if len(learned.views[0]) >= LEAST:
                score = neighbor_agreement(stored(codes), *(self._encoded(half) for half in learned.views))
            if score is None or score > best:
                best, best_round = -1.0 if score is None else score, number
                best_weights = {name: value.detach().clone() for name, value in self.state_dict().items()}
            done.append(Epoch(number, rounds, loss, None, time.perf_counter() - round_began, score))
            spent = time.perf_counter() - began
            over = number == rounds or number - best_round >= plan.patience or spent + done[-1].seconds > self.budget
            checkpoint.keep(
                {
                    "best": best,
                    "best_round": best_round,
                    "best_weights": best_weights,
                    "epochs": [asdict(epoch) for epoch in done],
                    "over": over,
                    "spent": spent,
                },
                over=over,
            )
            watch(done[-1])
        assert best_weights is not None  # the first round was the best of all before it
        self.load_state_dict(best_weights)
        self.eval()

    @torch.no_grad()
    def _encoded(self, inputs: RowBatches) -> np.ndarray:
        self.eval()
        codes = [self.encoder(inputs[rows]).cpu() for rows in torch.arange(len(inputs)).split(BATCH)]
        return torch.cat(codes).numpy()

    # The coder's contract.

    def rerank_features(self, X: Rows) -> Rows:
        """Words as they are, pictures and vectors by their descriptions."""
        self._check(X)
        if self.sparse:
            return super().rerank_features(X)
        return self.describe.of(np.asarray(X))

    def rerank_feature_groups(self) -> dict[str, int]:
        return {} if self.sparse else self.describe.parts

    def get_params(self) -> dict[str, Any]:
        """The constructor's keywords."""
        own = ("code_size", "neighbors", "share", "layers", "noise", "noise_level", "descriptors", "budget")
        return {name: getattr(self, name) for name in own} | self._training

    @torch.no_grad()
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The rows that the codes stand for, [N, V] float32; of pictures and vectors, which cannot be had back from their
        descriptions, those nearest by least squares, [N, *shape] float32."""
        if self.sparse:
            return super().decode(codes)
        z = torch.from_numpy(np.ascontiguousarray(codes, np.float32)).to(self.readout.mean.device)
        return self.readout(z).cpu().numpy()

    def _build(self, shape: tuple[int, ...], *, sparse: bool, weights: Mapping[str, float] | None = None) -> None:
        """Makes the modules for rows of that shape; `weights` are those of the descriptions."""
        super()._build(shape, sparse=sparse)
        kind = "words" if sparse else "pictures"
        layers = self.layers if self.layers is not None else LAYERS[kind]
        if not sparse:
            self.describe = Descriptors(shape, weights or (CANDIDATES[0] if len(shape) == 3 else OF_VECTORS))
            self.readout = LinearReadout(self.code_size, shape)
            self.encode_batch_size = descriptors.BATCH
        width = shape if sparse else (self.describe.size,)
        self.encoder = dense.encoder(width, layers, self.code_size, sparse=sparse)
        self.decoder = dense.decoder(width, (), self.code_size, sparse=sparse)
        if self.noise is not None:
            self._noise = noises.choose(self.noise, NOISE_LEVEL[kind] if self.noise_level is None else self.noise_level)
        self.plan = TrainingConfig(**{**USUAL[kind], **self._training})
        self._whitens = False

    def _graph(self) -> nn.Module:
        return super()._graph() if self.sparse else _Described(self)

    def _save_state(self, folder: Path) -> dict[str, Any]:
        weights = None if self.sparse else self.describe.weights
        described = {"descriptors": weights, "rerank_feature_groups": self.rerank_feature_groups(), "mirror": self.mirror}
        return super()._save_state(folder) | described

    def _rebuild(self, learned: dict[str, Any]) -> None:
        self._build(tuple(learned["shape"]), sparse=learned["sparse"], weights=learned["descriptors"])
        self.mirror = learned.get("mirror", False)  # older indexes say nothing of it


def _halved(rows: np.ndarray) -> np.ndarray:
    """rows: float32.  As float16, where they fit: views are the most of what training holds in memory, and are jittered."""
    return rows.astype(np.float16) if np.abs(rows).max(initial=0) < np.finfo(np.float16).max else rows


class _Described(nn.Module):
    """What is exported: rows to their codes and descriptions."""

    def __init__(self, model: NeighborAutoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.model._both(x)
