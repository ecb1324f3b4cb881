"""Masked: most of a picture's patches are taken away, and a transformer that saw the others guesses them.

He et al. 2021, "Masked autoencoders are scalable vision learners": a ViT encoder on the visible patches alone, one shared
token in the place of each hidden one, a small decoder, fixed sine-cosine positions, a loss on the hidden patches only.
Its codes are the patches' mean, brought to the code size and whitened, because raw ones are weak for neighbors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders import losses
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.scaling import FIT_ROWS, LinearReadout, Standardizer, Whitening
from aesearch.autoencoders.training import TrainingConfig
from aesearch.errors import InvalidParameter, NotFitted, ShapeMismatch, UnknownName

if TYPE_CHECKING:
    from aesearch.arrays import Rows

SIZES = {  # width, blocks and heads of the encoder; width and blocks of the decoder
    "tiny": (64, 4, 4, 32, 1),
    "small": (192, 6, 6, 96, 2),
    "base": (768, 12, 12, 512, 8),
}
GRID = 8
"""Patches along the shorter side, where nothing else is said."""
USUAL: dict[str, Any] = {"steps": 1500, "batch_size": 128, "learning_rate": 2e-3, "weight_decay": 0.05, "patience": 20}
"""Patient, since each validation hides other patches."""


class MaskedAutoencoder(Autoencoder):
    """A masked autoencoder of pictures.

    Parameters
    ----------
    code_size : numbers of a code, at most the encoder's width (64, 192 or 768).
    size : "tiny", "small" or "base".
    patch : side of a patch in pixels; None for about an eighth of the pictures' shorter side.
    hidden : share of the patches taken away, between 0 and 1.
    loss : "mse" or "l1", of the hidden patches.
    normalized : whether each patch is brought to mean 0 and deviation 1 before it is to be guessed: better codes, but
        restored pictures then lack their patches' brightness.
    **training : the fields of `Training`.
    """

    token: nn.Parameter

    def __init__(
        self,
        code_size: int = 64,
        *,
        size: str = "tiny",
        patch: int | None = None,
        hidden: float = 0.75,
        loss: str = "mse",
        normalized: bool = False,
        **training: Any,
    ) -> None:
        super().__init__(code_size, loss=loss, **training)
        if size not in SIZES:
            raise UnknownName("size", size, SIZES)
        if not 0 < hidden < 1:
            raise InvalidParameter(f"masked: hidden is {hidden}; choose a share between 0 and 1")
        if loss not in ("mse", "l1"):
            raise InvalidParameter(f'masked: loss is "{loss}"; patches are guessed by "mse" or "l1"')
        if code_size > SIZES[size][0]:
            raise InvalidParameter(
                f"masked: code size {code_size} is more than the width {SIZES[size][0]} of {size} (--code-size)"
            )
        self.size, self.patch, self.hidden, self.normalized = size, patch, hidden, normalized
        self.name = "masked"

    # The steps, in the paper's order.

    def patchify(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, N, P], P = C * side^2"""
        grid = self._grid(x)
        apart = x.unflatten(3, (grid[1], self.side)).unflatten(2, (grid[0], self.side))  # [B, C, rows, side, columns, side]
        return apart.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def unpatchify(self, patches: Tensor, height: int, width: int) -> Tensor:
        """[B, N, P] -> [B, C, height, width]"""
        side = self.side
        grid = patches.unflatten(1, (height // side, width // side)).unflatten(3, (-1, side, side))
        return grid.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)

    def mask(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Draws which are seen: their numbers [B, K], and for every patch whether it is hidden, [B, N]."""
        count = patches.shape[1]
        seen = max(1, round(count * (1 - self.hidden)))
        order = torch.rand(patches.shape[:2], device=patches.device).argsort(1)
        hidden = torch.ones(patches.shape[:2], dtype=torch.bool, device=patches.device)
        return order[:, :seen], hidden.scatter(1, order[:, :seen], False)

    def look(self, patches: Tensor, grid: tuple[int, int], seen: Tensor | None = None) -> Tensor:
        """The encoder, on all patches or the seen ones: [B, N, P] -> [B, N or K, width]"""
        tokens = self.embed(patches) + positions(grid, self.embed.out_features, patches.device)
        if seen is not None:
            tokens = tokens.gather(1, seen[..., None].expand(-1, -1, tokens.shape[2]))
        return self.blocks(tokens)

    def guess(self, looked: Tensor, seen: Tensor, grid: tuple[int, int]) -> Tensor:
        """The decoder: [B, K, width] -> [B, N, P]; where nothing was seen stands the token."""
        narrow = self.narrow(looked)
        every = self.token.expand(len(looked), grid[0] * grid[1], -1)
        every = every.scatter(1, seen[..., None].expand(-1, -1, narrow.shape[2]), narrow)
        return self.out(self.guessing(every + positions(grid, narrow.shape[2], looked.device)))

    def objective(self, x: Any) -> Tensor:
        """[B, C, H, W] -> the loss of the hidden patches, summed over a patch's numbers, mean over the patches."""
        patches, grid = self.patchify(self.standard(x)), self._grid(x)
        seen, hidden = self.mask(patches)
        guessed = self.guess(self.look(patches, grid, seen), seen, grid)
        wanted = self._normal(patches)
        apart = (guessed - wanted).abs() if self.loss == "l1" else (guessed - wanted).square()
        return apart.sum(2)[hidden].mean()

    def to_code(self, x: Any) -> Tensor:
        """[B, C, H, W] -> [B, width]: the mean of all patches' tokens, of which the code is made."""
        return self.look(self.patchify(self.standard(x)), self._grid(x)).mean(1)

    def _normal(self, patches: Tensor) -> Tensor:
        if not self.normalized:
            return patches
        return (patches - patches.mean(2, keepdim=True)) / (patches.var(2, keepdim=True) + 1e-6).sqrt()

    def _grid(self, x: Tensor) -> tuple[int, int]:
        return x.shape[2] // self.side, x.shape[3] // self.side

    @torch.no_grad()
    def restore(self, X: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """What is guessed of pictures of which `hidden` was taken away.

        X: [N, C, H, W] uint8 or float32, of any size that the patch divides.  Returns the pictures with their hidden
        patches guessed [N, C, H, W] float32, and which pixels were hidden [N, 1, H, W] bool.
        """
        self._check(X)
        self.eval()
        x: Any = RowBatches(X, self.token.device)[torch.arange(len(X))]
        height, width = x.shape[2:]
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            patches = self.patchify(self.standard(x))
            seen, hidden = self.mask(patches)
        guessed = self.guess(self.look(patches, self._grid(x), seen), seen, self._grid(x))
        if self.normalized:  # the brightness of a patch was not to be guessed: it is given back
            deviation = (patches.var(2, keepdim=True) + 1e-6).sqrt()
            guessed = guessed * deviation + patches.mean(2, keepdim=True)
        mended = self.unpatchify(torch.where(hidden[..., None], guessed, patches), height, width)
        pixels = hidden[..., None].expand(-1, -1, self.side**2)
        return self.standard.inverse_transform(mended).clamp(0, 1).cpu().numpy(), self.unpatchify(
            pixels, height, width
        ).cpu().numpy()

    # The coder's contract.

    def get_params(self) -> dict[str, Any]:
        """The constructor's keywords."""
        own = ("code_size", "size", "patch", "hidden", "loss", "normalized")
        return {name: getattr(self, name) for name in own} | self._training

    @torch.no_grad()
    def decode(self, codes: np.ndarray) -> np.ndarray:
        """The pictures nearest to those that the codes stand for, by least squares: [N, C, H, W] float32."""
        z = torch.from_numpy(np.ascontiguousarray(codes, np.float32)).to(self.token.device)
        return self.readout(z).cpu().numpy()

    def _finish(self, X: Rows) -> None:
        some = np.asarray(X)[:: max(1, X.shape[0] // FIT_ROWS)]
        self.whitening.fit(self._codes_of(some, self.to_code))
        self.readout.fit(self.encode(some), some)

    def _build(self, shape: tuple[int, ...], *, sparse: bool) -> None:
        if sparse or len(shape) != 3:
            raise InvalidParameter(
                f'the masked autoencoder is for pictures [C, H, W], not for rows of shape {shape}; choose "dense"'
            )
        self.shape, self.sparse = shape, False
        channels, height, width = shape
        fitting = [side for side in range(2, min(height, width)) if height % side == width % side == 0]
        wanted = min(height, width) / GRID
        self.side = self.patch or min(fitting, key=lambda side: abs(side - wanted), default=2)
        if height % self.side or width % self.side:
            raise InvalidParameter(
                f"masked: patches of {self.side} pixels do not divide {height} x {width}; choose another patch"
            )
        wide, blocks, heads, narrow, guessing = SIZES[self.size]
        numbers = channels * self.side**2
        self.standard = ByChannel(channels)
        self.embed = nn.Linear(numbers, wide)
        self.blocks = transformer(wide, blocks, heads)
        self.narrow = nn.Linear(wide, narrow)
        self.token = nn.Parameter(torch.randn(narrow) * 0.02)
        self.guessing = transformer(narrow, guessing, max(1, narrow * heads // wide))
        self.out = nn.Linear(narrow, numbers)
        self.whitening = Whitening(wide, self.code_size)
        self.readout = LinearReadout(self.code_size, shape)
        self._loss = losses.choose(self.loss or "mse")
        self.plan = TrainingConfig(**{**USUAL, **self._training})

    def _check(self, X: Rows) -> None:
        """Pictures of another size than those learned from are welcome, if the patch divides it."""
        if self.shape is None:
            raise NotFitted(self)
        if len(X.shape) != 4 or X.shape[1] != self.shape[0] or X.shape[2] % self.side or X.shape[3] % self.side:
            raise ShapeMismatch(f"masked: pictures in patches of {self.side}", self.shape, tuple(X.shape[1:]))

    def _graph(self) -> nn.Module:
        return _Coding(self)


class ByChannel(Standardizer):
    """x -> (x - mean) / deviation, the mean by channel, so that it suits pictures of any size."""

    def __init__(self, channels: int) -> None:
        super().__init__((channels, 1, 1))

    def fit(self, X: Rows) -> None:
        some = np.asarray(X[:: max(1, len(X) // FIT_ROWS)])
        unit = np.float32(255 if some.dtype == np.uint8 else 1)
        self.mean.copy_(torch.from_numpy(some.mean((0, 2, 3), keepdims=True)[0] / unit))
        self.deviation.fill_(max(float(some.std()) / float(unit), 1e-6))


class _Coding(nn.Module):
    """What is exported."""

    def __init__(self, model: MaskedAutoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model.whitening(self.model.to_code(x))


def transformer(width: int, blocks: int, heads: int) -> nn.Module:
    """Blocks of attention and a two-layer net, each behind a norm (Dosovitskiy et al. 2021): [B, N, width], twice."""
    block = nn.TransformerEncoderLayer(width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True)
    return nn.TransformerEncoder(block, blocks, nn.LayerNorm(width), enable_nested_tensor=False)


def positions(grid: tuple[int, int], width: int, device: torch.device) -> Tensor:
    """[rows * columns, width]: sines and cosines of a patch's row in the first half, of its column in the second."""
    frequencies = 10_000.0 ** (-torch.arange(width // 4, device=device) / (width / 4))
    rows, columns = (torch.arange(side, device=device)[:, None] * frequencies for side in grid)
    of_rows, of_columns = (torch.cat([places.sin(), places.cos()], 1) for places in (rows, columns))
    both = [of_rows[:, None].expand(-1, grid[1], -1), of_columns[None].expand(grid[0], -1, -1)]
    return torch.cat(both, 2).flatten(0, 1)
