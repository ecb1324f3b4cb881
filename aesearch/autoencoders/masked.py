"""Masked autoencoder: most patches of an image are masked, and a transformer predicts them from the visible ones.

A vision transformer encodes the visible patches only. A small decoder gets their tokens, with one shared mask token in the
place of each masked patch; positions are encoded by fixed sines and cosines. The loss covers the masked patches only. The
code of an image is the mean of its tokens, projected to the code size and whitened, because plain means are weak for
similarity search.

References
----------
He et al. 2021, "Masked autoencoders are scalable vision learners".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.arrays import is_sparse
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.checkpoints import Checkpoint
from aesearch.autoencoders.scaling import MAX_FIT_ROWS, LinearReadout, Whitening
from aesearch.autoencoders.torch_coder import TorchCoder
from aesearch.autoencoders.training import RowTask, TrainingConfig, check_at_least_one, train
from aesearch.autoencoders.vision_transformer import (
    SIZES,
    ChannelStandardizer,
    build_transformer,
    compute_patch_statistics,
    encode_positions,
    patchify,
    unpatchify,
)
from aesearch.coders.base import Epoch
from aesearch.errors import InvalidParameter, NotFitted, ShapeMismatch, UnknownName

if TYPE_CHECKING:
    from aesearch.arrays import Rows
    from aesearch.scoring import HeldOutItems

PATCHES_PER_SIDE = 8
"""Approximate number of patches along the shorter side of an image by default."""


class MaskedAutoencoder(TorchCoder):
    """Autoencoder of images that predicts masked patches from the visible ones.

    It also encodes images of other sizes than those in fit(), if the patches divide them.

    Parameters
    ----------
    code_size : int
        Dimensions of a code, at most the width of the encoder: 64, 192 or 768.
    size : {"tiny", "small", "base"}
        Size of the transformer.
    patch_size : int, optional
        Side of a patch in pixels. By default about an eighth of the shorter side of the images.
    mask_ratio : float
        Share of the patches that are masked, between 0 and 1.
    loss : {"mse", "l1"}
        Loss of the masked patches.
    normalize_patches : bool
        Whether the target is each patch with mean 0 and standard deviation 1. Codes get better, but the predicted patches
        have no brightness of their own.
    steps : int
        Optimization steps, if `epochs` is not given.
    batch_size : int
        Images per step.
    weight_decay : float
        Weight decay of AdamW (Loshchilov & Hutter 2019).
    patience : int
        Epochs without a better validation loss after which training stops. That loss is noisy, because other patches are
        masked each time.
    **training
        More parameters of `TrainingConfig`: epochs, learning_rate, validation, seed, device.

    Attributes
    ----------
    patch_side : int
        Side of a patch in pixels; known after fit().
    """

    whitening: Whitening
    mask_token: nn.Parameter

    def __init__(
        self,
        code_size: int = 64,
        *,
        size: str = "tiny",
        patch_size: int | None = None,
        mask_ratio: float = 0.75,
        loss: str = "mse",
        normalize_patches: bool = False,
        steps: int = 1500,
        batch_size: int = 128,
        weight_decay: float = 0.05,
        patience: int = 20,
        **training: Any,
    ) -> None:
        super().__init__(code_size)
        if size not in SIZES:
            raise UnknownName("size", size, SIZES)
        check_at_least_one(patch_size=patch_size)
        if not 0 < mask_ratio < 1:
            raise InvalidParameter(f"mask_ratio is {mask_ratio}; choose a share between 0 and 1")
        if loss not in ("mse", "l1"):
            raise InvalidParameter(f'loss "{loss}" is not for masked patches; choose "mse" or "l1"')
        if code_size > SIZES[size].width:
            raise InvalidParameter(
                f'code size {code_size} is larger than {SIZES[size].width}, the width of size "{size}"; '
                "choose a smaller one (--code-size)"
            )
        self.size, self.patch_size, self.mask_ratio = size, patch_size, mask_ratio
        self.loss, self.normalize_patches = loss, normalize_patches
        self.training_params = {
            "steps": steps,
            "batch_size": batch_size,
            "weight_decay": weight_decay,
            "patience": patience,
            **training,
        }
        self.config = TrainingConfig(**self.training_params)
        self.name = "masked"

    # The steps after `patchify`, in the order of the paper

    def mask(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Mask random patches.

        Parameters
        ----------
        patches : Tensor of shape [B, N, P]

        Returns
        -------
        visible : Tensor of shape [B, K], int64
            Positions of the visible patches.
        is_masked : Tensor of shape [B, N], bool
        """
        n_patches = patches.shape[1]
        n_visible = max(1, round(n_patches * (1 - self.mask_ratio)))
        visible = torch.rand(patches.shape[:2], device=patches.device).argsort(1)[:, :n_visible]
        is_masked = torch.ones(patches.shape[:2], dtype=torch.bool, device=patches.device)
        return visible, is_masked.scatter(1, visible, False)

    def encode_patches(self, patches: Tensor, grid: tuple[int, int], visible: Tensor | None = None) -> Tensor:
        """Encode all patches [B, N, P], or only the visible ones, to tokens [B, N or K, width]."""
        tokens = self.embed(patches) + encode_positions(grid, self.embed.out_features, patches.device)
        if visible is not None:
            tokens = tokens.gather(1, visible[..., None].expand(-1, -1, tokens.shape[2]))
        return self.encoder(tokens)

    def decode_patches(self, tokens: Tensor, visible: Tensor, grid: tuple[int, int]) -> Tensor:
        """Predict all patches [B, N, P] from the tokens of the visible ones [B, K, width]."""
        tokens = self.to_decoder(tokens)
        sequence = self.mask_token.expand(len(tokens), grid[0] * grid[1], -1)
        sequence = sequence.scatter(1, visible[..., None].expand(-1, -1, tokens.shape[2]), tokens)
        return self.to_patches(self.decoder(sequence + encode_positions(grid, tokens.shape[2], tokens.device)))

    def objective(self, batch: Any) -> Tensor:
        """Return the loss of the masked patches of images [B, C, H, W]: summed over a patch, averaged over the patches."""
        patches, grid = patchify(self.standardizer(batch), self.patch_side), self._grid(batch)
        visible, is_masked = self.mask(patches)
        predicted = self.decode_patches(self.encode_patches(patches, grid, visible), visible, grid)
        target = patches
        if self.normalize_patches:
            mean, deviation = compute_patch_statistics(patches)
            target = (patches - mean) / deviation
        error = (predicted - target).abs() if self.loss == "l1" else (predicted - target).square()
        return error.sum(2)[is_masked].mean()

    def to_code(self, x: Any) -> Tensor:
        """Return the mean token of images [B, C, H, W]: [B, width], before the projection to the code size."""
        return self.encode_patches(patchify(self.standardizer(x), self.patch_side), self._grid(x)).mean(1)

    @torch.no_grad()
    def reconstruct_masked(self, X: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Mask random patches of images, and predict them.

        Parameters
        ----------
        X : array of shape (n_items, C, H, W)
            uint8 or float32, of any size that the patches divide.
        seed : int
            Seed of the masks.

        Returns
        -------
        images : array of shape (n_items, C, H, W), float32
            The images, with predictions in the place of the masked patches.
        is_masked : array of shape (n_items, 1, H, W), bool
        """
        self._check(X)
        self.eval()
        x: Any = RowBatches(X, self._device)[torch.arange(len(X))]
        (height, width), grid = x.shape[2:], self._grid(x)
        patches = patchify(self.standardizer(x), self.patch_side)
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            visible, is_masked = self.mask(patches)
        predicted = self.decode_patches(self.encode_patches(patches, grid, visible), visible, grid)
        if self.normalize_patches:  # a predicted patch has no brightness of its own, so it gets that of the masked patch
            mean, deviation = compute_patch_statistics(patches)
            predicted = predicted * deviation + mean
        images = unpatchify(torch.where(is_masked[..., None], predicted, patches), self.patch_side, height, width)
        masked_pixels = unpatchify(is_masked[..., None].expand(-1, -1, self.patch_side**2), self.patch_side, height, width)
        return self.standardizer.inverse_transform(images).clamp(0, 1).cpu().numpy(), masked_pixels.cpu().numpy()

    def _grid(self, x: Tensor) -> tuple[int, int]:
        """Return the number of patches along the height and along the width of images."""
        return x.shape[2] // self.patch_side, x.shape[3] // self.patch_side

    # Training

    def _train(self, X: Rows, checkpoint: Checkpoint, held_out: HeldOutItems | None) -> Iterator[Epoch]:
        if is_sparse(X):
            raise InvalidParameter('the masked autoencoder requires images, not bags of words; choose "dense"')
        self._build(tuple(X.shape[1:]))
        self.standardizer.fit(X)
        yield from train(RowTask(self, X, self.config), checkpoint)

    def _finish(self, X: Rows) -> None:
        sample = np.asarray(X)[:: max(1, X.shape[0] // MAX_FIT_ROWS)]
        self.whitening.fit(self._encode_batches(sample, self.to_code))
        self.readout.fit(self.encode(sample), sample)

    def _build(self, shape: tuple[int, ...]) -> None:
        """Create the modules for images of a shape. Raise InvalidParameter if a parameter does not fit such images."""
        if len(shape) != 3:
            raise InvalidParameter(f'the masked autoencoder requires images, not rows of shape {shape}; choose "dense"')
        self.shape, self.is_sparse = shape, False
        self.patch_side = self._choose_patch_side(shape)
        size, patch_width = SIZES[self.size], shape[0] * self.patch_side**2
        self.standardizer = ChannelStandardizer(shape[0])
        self.embed = nn.Linear(patch_width, size.width)
        self.encoder = build_transformer(size.width, size.n_blocks, size.n_heads)
        self.to_decoder = nn.Linear(size.width, size.decoder_width)
        self.mask_token = nn.Parameter(torch.randn(size.decoder_width) * 0.02)
        n_decoder_heads = max(1, size.decoder_width * size.n_heads // size.width)
        self.decoder = build_transformer(size.decoder_width, size.n_decoder_blocks, n_decoder_heads)
        self.to_patches = nn.Linear(size.decoder_width, patch_width)
        self.whitening = Whitening(size.width, self.code_size)
        self.readout = LinearReadout(self.code_size, shape)

    def _choose_patch_side(self, shape: tuple[int, ...]) -> int:
        _, height, width = shape
        divisors = [side for side in range(2, min(height, width)) if height % side == width % side == 0]
        preferred = min(height, width) / PATCHES_PER_SIDE
        side = self.patch_size or min(divisors, key=lambda side: abs(side - preferred), default=2)
        if height % side or width % side:
            raise InvalidParameter(
                f"patches of {side} x {side} pixels do not divide images of {height} x {width}; choose another patch_size"
            )
        return side

    # Contract of coders

    def get_params(self) -> dict[str, Any]:
        names = ("code_size", "size", "patch_size", "mask_ratio", "loss", "normalize_patches")
        return {**{name: getattr(self, name) for name in names}, **self.training_params}

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the reconstructed images of codes, by linear regression: [n_items, C, H, W] float32."""
        return self._decode_batches(codes, self.readout)

    def _check(self, X: Rows) -> None:
        if self.shape is None:
            raise NotFitted(self)
        if len(X.shape) != 4 or X.shape[1] != self.shape[0] or X.shape[2] % self.patch_side or X.shape[3] % self.patch_side:
            what = f'coder "{self.name}" with patches of {self.patch_side} pixels: shape of an image'
            raise ShapeMismatch(what, self.shape, tuple(X.shape[1:]))

    def _graph(self) -> nn.Module:
        return _Encoder(self)

    def _rebuild(self, state: dict[str, Any]) -> None:
        self._build(tuple(state["shape"]))


class _Encoder(nn.Module):
    """The encoder as it is exported."""

    def __init__(self, model: MaskedAutoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model.whitening(self.model.to_code(x))
