"""The masked autoencoder: patches, masks, and predictions that are better than simple ones."""

from typing import Any

import numpy as np
import pytest
import torch

from aesearch.autoencoders.masked import MaskedAutoencoder
from aesearch.autoencoders.vision_transformer import ChannelStandardizer, encode_positions, patchify, unpatchify
from aesearch.errors import InvalidParameter, ShapeMismatch, UnknownName

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def coder(digits: np.ndarray) -> MaskedAutoencoder:
    return MaskedAutoencoder(16, mask_ratio=0.5, epochs=70, batch_size=32, patience=70).fit(digits[:500])


def test_unpatchify_inverts_patchify() -> None:
    x = torch.rand(3, 2, 8, 12)
    patches = patchify(x, 2)
    assert patches.shape == (3, 24, 8)
    torch.testing.assert_close(patches[0, 1], x[0, :, :2, 2:4].flatten())
    torch.testing.assert_close(unpatchify(patches, 2, 8, 12), x)


def test_positions_differ_everywhere() -> None:
    encodings = encode_positions((5, 7), 16, CPU)
    assert encodings.shape == (35, 16)
    assert torch.cdist(encodings, encodings).fill_diagonal_(9).min() > 0.1


def test_channel_standardizer_uses_one_mean_per_channel() -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 3, 6, 8), np.uint8)
    standardizer = ChannelStandardizer(3)
    standardizer.fit(images)
    np.testing.assert_allclose(standardizer.mean.flatten(), images.mean((0, 2, 3)) / 255, rtol=1e-5)
    assert float(standardizer(torch.rand(2, 3, 4, 4)).mean()) == pytest.approx(0, abs=0.5)


@pytest.mark.slow
def test_mask_hides_a_random_share_from_the_encoder(coder: MaskedAutoencoder) -> None:
    torch.manual_seed(0)
    patches = torch.rand(400, 16, 4)
    visible, is_masked = coder.mask(patches)
    assert (is_masked.sum(1) == 8).all()
    assert not is_masked.gather(1, visible).any()
    assert (is_masked.float().mean(0) - 0.5).abs().max() < 0.12
    changed = patches.clone()
    changed[is_masked] = 9.0
    tokens, changed_tokens = (coder.encode_patches(x, (4, 4), visible) for x in (patches, changed))
    torch.testing.assert_close(tokens, changed_tokens)


@pytest.mark.slow
def test_predictions_beat_mean_image_and_nearest_patch(coder: MaskedAutoencoder, digits: np.ndarray) -> None:
    images = digits[500:] / 255
    predicted, is_masked = coder.reconstruct_masked(digits[500:])
    assert is_masked.mean() == 0.5
    np.testing.assert_allclose(np.where(is_masked, 0, predicted), np.where(is_masked, 0, images), atol=1e-5)

    def error(guess: np.ndarray) -> float:
        return float(((guess - images) ** 2)[np.broadcast_to(is_masked, images.shape)].mean())

    assert error(predicted) < 0.95 * error(np.broadcast_to(digits[:500].mean(0) / 255, images.shape))
    assert error(predicted) < 0.5 * error(copy_nearest_visible_patches(images, is_masked))


def copy_nearest_visible_patches(images: np.ndarray, is_masked: np.ndarray) -> np.ndarray:
    """Replace each masked 2 x 2 patch of 8 x 8 images by the nearest visible one."""
    patches = patchify(torch.from_numpy(images), 2)
    masked_patches = patchify(torch.from_numpy(is_masked).float(), 2)[:, :, 0].bool()
    grid = torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij")
    centers = torch.stack(grid, -1).flatten(0, 1)
    distances = torch.cdist(centers, centers)[None].expand(len(images), -1, -1)
    nearest = distances.masked_fill(masked_patches[:, None, :], torch.inf).argmin(2)
    return unpatchify(patches.gather(1, nearest[..., None].expand(-1, -1, 4)), 2, 8, 8).numpy()


@pytest.mark.slow
def test_other_image_sizes_are_encoded_if_patches_divide_them(coder: MaskedAutoencoder, digits: np.ndarray) -> None:
    wide = np.concatenate([digits[500:], digits[400:500]], axis=3)
    assert coder.encode(wide).shape == (100, 16)
    assert coder.reconstruct_masked(wide)[0].shape == (100, 1, 8, 16)
    with pytest.raises(ShapeMismatch, match="patches of 2"):
        coder.encode(digits[:5, :, :, :7])


@pytest.mark.parametrize(("size", "side"), [((28, 28), 4), ((32, 32), 4), ((8, 8), 2), ((64, 48), 4), ((30, 20), 2)])
def test_default_patches_divide_the_image(size: tuple[int, int], side: int) -> None:
    coder = MaskedAutoencoder(8)
    coder._build((1, *size))
    assert coder.patch_side == side


def test_normalized_patches_are_restored_with_their_brightness(digits: np.ndarray) -> None:
    coder = MaskedAutoencoder(8, normalize_patches=True, loss="l1", epochs=2).fit(digits)
    predicted, is_masked = coder.reconstruct_masked(digits[:50])
    visible = ~np.broadcast_to(is_masked, predicted.shape)
    np.testing.assert_allclose(predicted[visible], digits[:50][visible] / 255, atol=1e-5)
    patches, predicted_patches = (patchify(torch.from_numpy(x), 2) for x in (digits[:50] / np.float32(255), predicted))
    assert float((patches.mean(2) - predicted_patches.mean(2)).abs().mean()) < 0.1


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"patch_size": 3}, "do not divide"),
        ({"patch_size": 0}, "at least 1"),
        ({"code_size": 100}, "width of size"),
        ({"mask_ratio": 1.0}, "between 0 and 1"),
        ({"loss": "bce"}, 'choose "mse" or "l1"'),
    ],
)
def test_invalid_parameter_is_refused(params: dict[str, Any], message: str, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=message):
        MaskedAutoencoder(**params).fit(digits)


def test_unknown_size_is_refused() -> None:
    with pytest.raises(UnknownName, match='did you mean "tiny"'):
        MaskedAutoencoder(8, size="tinny")


def test_rows_that_are_not_images_are_refused(bags: Any, vectors: np.ndarray) -> None:
    for X in (bags, vectors):
        with pytest.raises(InvalidParameter, match="requires images"):
            MaskedAutoencoder(8).fit(X)
