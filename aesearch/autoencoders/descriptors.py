"""What a photo is described by: oriented gradients for shape, colors, small pixels; each whitened, then weighed.  Of a
vector its own numbers, whitened alike.

Gradients as in Dalal & Triggs 2005, "Histograms of oriented gradients"; computed by sums and products alone, so that they
are exported with the encoder.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.agreement import LEAST, neighbor_agreement
from aesearch.augmentation import two_views
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.neighbor_targets import stored
from aesearch.errors import InvalidParameter, UnknownName

DIRECTIONS = 12
"""Directions of the gradients, dark to light and light to dark told apart."""
COMPONENTS = 128
"""Components kept of each description."""
SOFT = 0.25
"""Each component is divided by its variance to this power.  0.5 would be whitening in full, which raises what varies least
as high as what varies most: half way neighbors are better on digits and on clothes, and about as good on photos."""
FLOOR = 1e-3
"""Variances below this share of the largest are not raised further: they are noise."""
THUMBNAIL = 16
"""Pixels of the side of a small picture."""
MIRRORED = 0.85
"""How near mirrored pictures must come to a collection, as a share of how near the pictures themselves do."""
CHOOSE_BY = 10_000
"""Pictures by which the descriptions are whitened and weighed, at most."""
CHUNK = 1024
"""Rows whose descriptions, many times as wide as what is kept of them, are held at a time."""
BATCH = 32
"""Few, so that the maps of a batch stay in the processor's cache."""

CANDIDATES: tuple[Mapping[str, float], ...] = (
    {"gradients": 1.0},
    {"gradients": 1.0, "colors": 0.5},
    {"gradients": 1.0, "pixels": 0.5},
    {"colors": 1.0},
    {"pixels": 1.0},
)
"""The weighings that a collection of pictures may choose from."""
OF_VECTORS: Mapping[str, float] = {"numbers": 1.0}


class Descriptors(nn.Module):
    """[B, *shape] -> [B, size]: each description named in `weights`, centered, whitened, scaled and weighed.

    shape : (C, H, W), numbers in 0..1, and weights, by name, of "gradients", "colors" (for C = 3) and "pixels";
    or (D,), and the weight of "numbers".

    Attributes: `parts`, the numbers that each description has in a row, in their order; `size`, their sum.
    """

    def __init__(self, shape: tuple[int, ...], weights: Mapping[str, float]) -> None:
        super().__init__()
        self.weights = dict(weights)
        describe: dict[str, type[nn.Module]] = {"gradients": Gradients, "colors": ColorHistogram, "pixels": Thumbnail}
        if len(shape) == 1:
            describe = {"numbers": Numbers}
        for name in weights:
            if name not in describe:
                raise UnknownName("description", name, describe)
        if not weights or ("colors" in weights and shape[0] != 3):
            raise InvalidParameter(f"descriptors {self.weights} for pictures of {shape[0]} channels; gradients suit all")
        self.describe = nn.ModuleDict({name: describe[name](shape) for name in weights})
        self.parts: dict[str, int] = {}
        for name in weights:
            size = int(self.describe[name](torch.zeros(1, *shape)).shape[1])
            self.register_buffer(f"{name}_mean", torch.zeros(size))
            self.parts[name] = min(size, COMPONENTS)
            self.register_buffer(f"{name}_components", torch.zeros(size, self.parts[name]))
        self.size = sum(self.parts.values())

    @torch.no_grad()
    def fit(self, descriptions: Mapping[str, Tensor]) -> None:
        """Learns the components.  descriptions: by name, [N, F] each, as `self.describe[name]` gives them."""
        for name, weight in self.weights.items():
            rows = descriptions[name]
            mean = rows.mean(0).double()
            covariance = rows.new_zeros(rows.shape[1], rows.shape[1], dtype=torch.float64)
            for part in _centered(rows, mean):
                covariance.addmm_(part.T, part)
            variances, directions = torch.linalg.eigh(covariance / max(1, len(rows) - 1))
            kept = min(len(variances), COMPONENTS)
            variances, directions = variances[-kept:].flip(0), directions[:, -kept:].flip(1)
            components = directions / variances.clamp_min(max(FLOOR * float(variances[0]), 1e-12)) ** SOFT
            squares = sum((part @ components).square().sum() for part in _centered(rows, mean))
            scale = (squares / (len(rows) * kept)).sqrt()
            scale = scale if scale > 1e-6 else torch.ones_like(scale)  # all alike: rounding is all there is to raise
            self.get_buffer(f"{name}_mean").copy_(mean)
            self.get_buffer(f"{name}_components").copy_(components * (weight / scale))

    def forward(self, x: Tensor) -> Tensor:
        return self.whitened({name: describe(x) for name, describe in self.describe.items()})

    def both_ways(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of the pictures [B, C, H, W] as they are, and of the same mirrored: [B, size], twice.

        A description is not made anew of what is mirrored: its numbers change places (`mirrored`).
        """
        raw = {name: describe(x) for name, describe in self.describe.items()}
        turned = {name: raw[name][:, self.describe[name].get_buffer("mirrored")] for name in raw}
        return self.whitened(raw), self.whitened(turned)

    @torch.no_grad()
    def of(self, rows: np.ndarray) -> np.ndarray:
        """rows: [N, C, H, W] uint8, or float32 in 0..1; or [N, D].  Returns [N, size] float32."""
        parts = [self.whitened(self.raw(rows[start : start + CHUNK])) for start in range(0, max(1, len(rows)), CHUNK)]
        return torch.cat(parts).cpu().numpy()

    @torch.no_grad()
    def raw(self, rows: np.ndarray) -> dict[str, Tensor]:
        """The descriptions before they are whitened, by name: [N, F] each."""
        data = RowBatches(np.ascontiguousarray(rows), next(self.buffers()).device)
        raw: dict[str, Tensor] = {}
        for some in torch.arange(len(data)).split(BATCH) or [torch.arange(0)]:
            batch = data[some]
            for name, describe in self.describe.items():
                found = describe(batch)
                if name not in raw:  # filled part by part: put together at the end they would take twice the memory
                    raw[name] = found.new_empty(len(data), *found.shape[1:])
                raw[name][some] = found
        return raw

    def whitened(self, descriptions: Mapping[str, Tensor]) -> Tensor:
        """descriptions: by name, [B, F] each.  Returns [B, size]."""
        parts = [
            (descriptions[name] - self.get_buffer(f"{name}_mean")) @ self.get_buffer(f"{name}_components")
            for name in self.weights
        ]
        return torch.cat(parts, 1)


class Gradients(nn.Module):
    """[B, C, H, W] -> [B, DIRECTIONS * cells^2]: how strongly the brightness rises in each direction, by cell.

    A channel's steepest gradient counts; cells overlap by half; each is brought to a length set by its surroundings.
    """

    rows: Tensor
    columns: Tensor
    directions: Tensor
    mirrored: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        _, height, width = shape
        self.cells = min(8, max(2, min(height, width) // (4 if min(height, width) >= 16 else 2)))
        every = torch.arange(DIRECTIONS)
        angles = every * (2 * math.pi / DIRECTIONS)
        places = torch.arange(DIRECTIONS * self.cells**2).view(DIRECTIONS, self.cells, self.cells)
        for name, value in (
            ("rows", tents(height, self.cells)),
            ("columns", tents(width, self.cells)),
            ("directions", torch.stack([angles.cos(), angles.sin()], 1)),
            ("mirrored", places[(DIRECTIONS // 2 - every) % DIRECTIONS].flip(2).flatten()),  # what rose now falls
        ):
            self.register_buffer(name, value, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] in 0..1 -> [B, DIRECTIONS * cells^2]"""
        # The square root makes a step in the dark count as much as one in the light.
        edged = nn.functional.pad(x.clamp_min(0).sqrt(), (1, 1, 1, 1), mode="replicate")
        right = edged[:, :, 1:-1, 2:] - edged[:, :, 1:-1, :-2]  # [B, C, H, W]
        down = edged[:, :, 2:, 1:-1] - edged[:, :, :-2, 1:-1]
        squared = right * right + down * down
        if x.shape[1] > 1:
            squared, steepest = squared.max(1, keepdim=True)
            right, down = right.gather(1, steepest), down.gather(1, steepest)  # [B, 1, H, W]
        # length * cos^8 of the angle to a direction: what lies between two directions is shared by them.  It is taken as
        # (length^1/8 * cos)^8, one product for all directions.
        length = squared.clamp_min(1e-8).sqrt()  # adding so little, the ONNX exporter would drop as nothing
        scale = length.sqrt().sqrt().sqrt() / length
        gradients = torch.cat([right * scale, down * scale], 1)  # [B, 2, H, W]
        facing = (self.directions @ gradients.flatten(2)).relu().unflatten(2, x.shape[2:])  # [B, DIRECTIONS, H, W]
        facing = facing * facing
        facing = facing * facing
        facing = facing * facing
        cells = self.rows @ facing @ self.columns.T  # [B, DIRECTIONS, cells, cells]
        around = nn.functional.pad(cells.square().sum(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        around = nn.functional.avg_pool2d(around, 3, 1)
        return (cells / (around + 3e-3).sqrt()).flatten(1)


class ColorHistogram(nn.Module):
    """[B, 3, H, W] -> [B, 4 * 100]: a soft histogram of lightness and two opponent colors, in four quarters."""

    rows: Tensor
    columns: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("rows", tents(shape[1], 2), persistent=False)
        self.register_buffer("columns", tents(shape[2], 2), persistent=False)
        self.register_buffer("mirrored", torch.arange(400).view(100, 2, 2).flip(2).flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        red, green, blue = x[:, 0], x[:, 1], x[:, 2]  # [B, H, W]
        lightness = _bins((red + green + blue) / 3, 0.0, 1.0, 4)
        warm = _bins((red - green) / 2, -0.25, 0.25, 5)
        cold = _bins((red + green - 2 * blue) / 4, -0.25, 0.25, 5)
        joint = (warm.unsqueeze(2) * cold.unsqueeze(1)).flatten(1, 2)  # [B, 25, H, W]
        joint = (joint.unsqueeze(2) * lightness.unsqueeze(1)).flatten(1, 2)  # [B, 100, H, W]
        return (self.rows @ joint @ self.columns.T).clamp_min(1e-6).sqrt().flatten(1)


class Thumbnail(nn.Module):
    """[B, C, H, W] -> [B, C * h * w]: the picture at THUMBNAIL pixels a side at most."""

    rows: Tensor
    columns: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = shape[0], min(THUMBNAIL, shape[1]), min(THUMBNAIL, shape[2])
        self.register_buffer("rows", tents(shape[1], height), persistent=False)
        self.register_buffer("columns", tents(shape[2], width), persistent=False)
        places = torch.arange(channels * height * width).view(channels, height, width)
        self.register_buffer("mirrored", places.flip(2).flatten(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (self.rows @ x @ self.columns.T).flatten(1)


class Numbers(nn.Module):
    """[B, D] -> [B, D]: a vector at unit length, as those that models make of words and pictures are compared."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        return x / x.square().sum(1, keepdim=True).clamp_min(1e-12).sqrt()


def _centered(rows: Tensor, mean: Tensor) -> Iterator[Tensor]:
    """rows [N, F] less their mean, float64: a part at a time, for they take twice the memory of the rows."""
    return (part.double() - mean for part in rows.split(CHUNK))


def tents(size: int, cells: int) -> Tensor:
    """[cells, size]: weights by which each cell averages a side of `size` pixels, falling to the next cell's middle."""
    middles = (torch.arange(cells) + 0.5) * (size / cells)
    weights = (1 - (torch.arange(size) + 0.5 - middles[:, None]).abs() * (cells / size)).clamp_min(0)
    return weights / weights.sum(1, keepdim=True)


def _bins(values: Tensor, low: float, high: float, count: int) -> Tensor:
    """[B, H, W] -> [B, count, H, W]: each value shared by the two bins that it lies between."""
    middles = torch.linspace(low, high, count, device=values.device).view(1, -1, 1, 1)
    step = (high - low) / (count - 1)
    return (1 - (values.clamp(low, high).unsqueeze(1) - middles).abs() / step).clamp_min(0)


def select_descriptors(
    rows: np.ndarray, held_out: np.ndarray, weights: Mapping[str, float] | None, draw: np.random.Generator
) -> tuple[Descriptors, bool]:
    """The descriptions whose neighbors agree best for the views of held-out pictures, or those of `weights`; fitted.

    Also returns whether the collection's pictures may be seen mirrored.  rows, held_out: [N, C, H, W]; or [N, D], of which
    there is one description.  Raises UnknownName and InvalidParameter where `weights` names what there is not.
    """
    shape, some = rows.shape[1:], rows[:: max(1, len(rows) // CHOOSE_BY)]
    if len(shape) == 1:
        describe = Descriptors(shape, weights or OF_VECTORS)
        describe.fit(describe.raw(some))
        return describe, False
    candidates = CANDIDATES if weights is None else (weights,)
    candidates = tuple(each for each in candidates if weights is not None or shape[0] == 3 or "colors" not in each)
    if len(held_out) < LEAST:
        candidates = candidates[:1]
    every = Descriptors(shape, {name: 1.0 for each in candidates for name in each})
    raw = every.raw(some)
    every.fit(raw)
    mirror = len(held_out) >= LEAST and is_mirror_invariant(
        every.of(held_out), every.of(held_out[..., ::-1]), every.whitened(raw).numpy()
    )
    choices = [Descriptors(shape, each) for each in candidates]
    for describe in choices:
        describe.fit(raw)
    if len(choices) == 1:
        return choices[0], mirror
    views = [every.raw(half) for half in two_views(held_out, draw, mirror=mirror)]

    def agreed(describe: Descriptors) -> float:
        return neighbor_agreement(
            stored(describe.whitened(raw).numpy()), *(describe.whitened(half).numpy() for half in views)
        )

    return max(choices, key=agreed), mirror


def is_mirror_invariant(held_out: np.ndarray, mirrored: np.ndarray, rows: np.ndarray) -> bool:
    """Whether mirrored pictures would be at home in the collection, nearly as near to it as the pictures themselves.

    Photos are (0.92 to 0.99 as near), digits and letters are not (0.7).  held_out, mirrored: [Q, size], descriptions of the
    same pictures;  rows: [N, size], of others.
    """
    collection = stored(rows)
    near, mirrored_near = (1 - np.median(collection.search(some, 1)[1]) for some in (held_out, mirrored))
    return bool(mirrored_near > MIRRORED * near)
