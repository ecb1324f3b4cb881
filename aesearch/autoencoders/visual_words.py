"""Bags of visual words: images described by how often patches like those of a dictionary occur in each quarter.

The dictionary is learned from the patches of a collection by spherical k-means. It is closed under mirroring: the mirror
image of a word is a word. So the descriptor of a mirror image has the values of the image's own in another order.

References
----------
Coates, Lee & Ng 2011, "An analysis of single-layer networks in unsupervised feature learning".
Coates & Ng 2012, "Learning feature representations with k-means".
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from aesearch.autoencoders.batches import RowBatches

IMAGE_SIDE = 24
"""Images are resized to this side in pixels, regardless of their proportions."""
PATCH_SIDE = 9
"""Side of a patch in pixels. Large patches are better: on butterflies, patches of an eighth of an image's side find
.57 nearest neighbors of the same species, and patches of three eighths .77. Patches overlap; they are one pixel apart."""
N_WORDS = 512
"""Words in a dictionary; half of them are mirror images of the other half."""
N_NEAREST_WORDS = 5
"""Words that a patch counts for."""
N_CELLS = 2
"""Words are counted in N_CELLS rows and N_CELLS columns of cells."""
PATCHES_PER_SIDE = (IMAGE_SIDE - PATCH_SIDE + 1) // N_CELLS
"""Patches along a side of a cell."""
COMPONENTS_PER_CHANNEL = 64
"""Principal components of a patch that are compared with words, for each channel."""
MIN_PATCH_VARIANCE = 1e-3
"""Added to the variance of a patch, so that the noise of uniform patches is not amplified."""
WHITENING_REGULARIZATION = 0.02
"""Added to the variances of the components, for the same reason."""
MAX_IMAGES, MAX_PATCHES, MAX_PATCHES_PER_IMAGE = 2000, 50_000, 64
"""Images whose patches a dictionary is learned from, and their patches."""
PATCHES_PER_WORD = 10
"""Minimum number of patches per word: fewer patches are given fewer words."""
N_ITERATIONS = 10
"""Iterations of k-means."""
BATCH_SIZE = 32
"""Images whose patches are computed at a time."""
CHUNK_PATCHES = 8192
"""Patches that are compared with all words at a time."""


class VisualWords(nn.Module):
    """How often each visual word occurs in each quarter of an image: [B, C, H, W] -> [B, N_CELLS^2 * N_WORDS].

    A patch is normalized to mean 0 and variance 1, whitened, and scaled to unit length. It counts for its nearest words,
    each with the square root of the cosine similarity. The descriptor holds the square roots of the counts.

    Parameters
    ----------
    shape : tuple of int
        (C, H, W)

    Attributes
    ----------
    filters : Tensor of shape [N, C, PATCH_SIDE, PATCH_SIDE]
        Map a patch to its N = C * COMPONENTS_PER_CHANNEL components.
    offset : Tensor of shape [N]
        Components of the mean patch.
    words : Tensor of shape [N, N_WORDS]
        The dictionary: unit vectors. If there are fewer words, the others are 0 and never counted.
    """

    rows: Tensor
    columns: Tensor
    first_bins: Tensor
    filters: Tensor
    offset: Tensor
    words: Tensor
    mirrored_order: Tensor

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        channels, height, width = shape
        n_positions = IMAGE_SIDE - PATCH_SIDE + 1  # along a side
        n_components = channels * COMPONENTS_PER_CHANNEL
        cell = torch.arange(n_positions) // PATCHES_PER_SIDE  # of each position along a side
        first_bins = (N_CELLS * cell[:, None] + cell) * N_WORDS
        order = torch.arange(N_CELLS**2 * N_WORDS).view(N_CELLS, N_CELLS, 2, N_WORDS // 2)
        for name, value in (
            ("rows", _build_resizing_weights(height)),
            ("columns", _build_resizing_weights(width)),
            ("first_bins", first_bins.view(-1, 1)),
            ("mirrored_order", order.flip(1, 2).flatten()),
        ):
            self.register_buffer(name, value, persistent=False)
        self.register_buffer("filters", torch.zeros(n_components, channels, PATCH_SIDE, PATCH_SIDE))
        self.register_buffer("offset", torch.zeros(n_components))
        self.register_buffer("words", torch.zeros(n_components, N_WORDS))

    def forward(self, x: Tensor) -> Tensor:
        """Return the descriptors of images with values in 0..1."""
        similarities = self._whiten(self.rows @ x @ self.columns.T) @ self.words  # [B, n_patches, N_WORDS]
        nearest, words = similarities.topk(N_NEAREST_WORDS, dim=2)
        votes, bins = nearest.clamp_min(0).sqrt().flatten(1), (words + self.first_bins).flatten(1)
        counts = votes.new_zeros(votes.shape[0], N_CELLS**2 * N_WORDS).scatter_add(1, bins, votes)
        return (counts / PATCHES_PER_SIDE**2).sqrt()

    def _whiten(self, x: Tensor) -> Tensor:
        """Return the whitened patches of resized images [B, C, IMAGE_SIDE, IMAGE_SIDE]: [B, n_patches, N], unit vectors."""
        mean = nn.functional.avg_pool2d(x, PATCH_SIDE, 1).mean(1, keepdim=True)
        mean_square = nn.functional.avg_pool2d(x * x, PATCH_SIDE, 1).mean(1, keepdim=True)
        deviation = ((mean_square - mean * mean).clamp_min(0) + MIN_PATCH_VARIANCE).sqrt()
        components = nn.functional.conv2d(x, self.filters) / deviation  # [B, N, n_positions, n_positions]
        patches = components.flatten(2).transpose(1, 2) - self.offset
        return patches / patches.square().sum(2, keepdim=True).clamp_min(1e-12).sqrt()

    @torch.no_grad()
    def fit(self, images: np.ndarray, seed: int = 0) -> None:
        """Learn the dictionary of images [n_images, C, H, W], uint8 or float32 in 0..1."""
        generator = torch.Generator().manual_seed(seed)
        patches = self._sample_patches(images, generator)
        signs = self._fit_whitening(patches)
        whitened = patches @ self.filters.flatten(1).T - self.offset
        whitened /= whitened.norm(dim=1, keepdim=True).clamp_min(1e-6)
        n_words = min(N_WORDS // 2, max(1, len(whitened) // PATCHES_PER_WORD))
        words = cluster_directions(whitened, signs, n_words, generator)
        self.words.zero_()
        self.words[:, :n_words] = words.T
        self.words[:, N_WORDS // 2 : N_WORDS // 2 + n_words] = (words * signs).T

    def _sample_patches(self, images: np.ndarray, generator: torch.Generator) -> Tensor:
        """Return random patches of images, normalized, [n_patches, C * PATCH_SIDE^2]."""
        data = RowBatches(images, self.words.device)
        chosen = torch.randperm(len(data), generator=generator)[:MAX_IMAGES]
        n_per_image = min(MAX_PATCHES_PER_IMAGE, math.ceil(MAX_PATCHES / max(1, len(chosen))))
        samples = []
        for positions in chosen.split(BATCH_SIZE):
            batch = data[positions]
            assert isinstance(batch, Tensor)
            x = self.rows @ batch @ self.columns.T
            patches = nn.functional.unfold(x, PATCH_SIDE).transpose(1, 2)  # [B, n_patches, C * PATCH_SIDE^2]
            drawn = torch.rand(patches.shape[:2], generator=generator).argsort(1)[:, :n_per_image]
            samples.append(patches[torch.arange(len(patches))[:, None], drawn.to(patches.device)].flatten(0, 1))
        sample = torch.cat(samples)[:MAX_PATCHES]
        sample = sample - sample.mean(1, keepdim=True)
        return sample / (sample.square().mean(1, keepdim=True) + MIN_PATCH_VARIANCE).sqrt()

    def _fit_whitening(self, patches: Tensor) -> Tensor:
        """Fit the filters and the offset to patches and their mirror images.

        Return the sign of each component under mirroring, [N].
        """
        mirrored = patches.view(-1, *self.filters.shape[1:]).flip(3).flatten(1)
        variances, directions, signs = [], [], []
        mean = (patches + mirrored).mean(0) / 2
        # The covariance of patches and mirror images is the sum of those of the symmetric and antisymmetric parts.
        for part, sign in ((patches + mirrored) / 2 - mean, 1.0), ((patches - mirrored) / 2, -1.0):
            values, vectors = torch.linalg.eigh((part.T @ part).double() / len(part))
            variances.append(values.clamp_min(0))
            directions.append(vectors.T)
            signs.append(torch.full_like(values, sign))
        order = torch.cat(variances).argsort(descending=True, stable=True)[: len(self.filters)]
        scale = (torch.cat(variances)[order] + WHITENING_REGULARIZATION).sqrt()
        filters = torch.cat(directions)[order] / scale[:, None]
        self.offset.copy_(filters @ mean.double())
        filters -= filters.mean(1, keepdim=True)  # subtracts the mean of a patch
        self.filters.copy_(filters.view_as(self.filters))
        return torch.cat(signs)[order].float()


def cluster_directions(vectors: Tensor, signs: Tensor, n_clusters: int, generator: torch.Generator) -> Tensor:
    """Cluster unit vectors by spherical k-means, where each cluster has a mirror image.

    Parameters
    ----------
    vectors : Tensor of shape [n_vectors, width]
    signs : Tensor of shape [width]
        A vector times the signs is its mirror image.
    n_clusters : int
    generator : torch.Generator

    Returns
    -------
    Tensor of shape [n_clusters, width]
        Unit vectors. Each vector belongs to the nearest of these and of their mirror images.
    """
    centers = vectors[torch.randperm(len(vectors), generator=generator)[:n_clusters]]
    for _ in range(N_ITERATIONS):
        sums = torch.zeros_like(centers)
        for chunk in vectors.split(CHUNK_PATCHES):
            nearest = (chunk @ torch.cat([centers, centers * signs]).T).argmax(1)
            is_mirrored = (nearest >= n_clusters)[:, None]
            sums.index_add_(0, nearest % n_clusters, torch.where(is_mirrored, chunk * signs, chunk))
        norms = sums.norm(dim=1, keepdim=True)
        centers = torch.where(norms > 1e-6, sums / norms.clamp_min(1e-6), centers)
    return centers


def _build_resizing_weights(size: int) -> Tensor:
    """Return the weights that interpolate IMAGE_SIDE pixels from `size` pixels linearly, [IMAGE_SIDE, size]."""
    scale = size / IMAGE_SIDE
    centers = (torch.arange(IMAGE_SIDE) + 0.5) * scale
    distances = (torch.arange(size) + 0.5 - centers[:, None]).abs()
    weights = (1 - distances / max(scale, 1.0)).clamp_min(0)
    return weights / weights.sum(1, keepdim=True)
