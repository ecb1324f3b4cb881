"""Each variant does what its paper says, on handwritten digits."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from aesearch.autoencoders import sparse, variational
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.batches import RowBatches
from aesearch.autoencoders.contractive import ContractiveAutoencoder
from aesearch.autoencoders.dense import linear_layers
from aesearch.autoencoders.hashing import HashingAutoencoder
from aesearch.autoencoders.masked import MaskedAutoencoder, positions
from aesearch.autoencoders.sparse import SparseAutoencoder
from aesearch.autoencoders.variational import VariationalAutoencoder
from aesearch.catalog import create_coder
from aesearch.errors import InvalidParameter, ShapeMismatch

CPU = torch.device("cpu")


def errors(coder: Any, X: np.ndarray, wanted: np.ndarray | None = None) -> float:
    clean = (X if wanted is None else wanted) / np.float32(255)
    return float(((coder.decode(coder.encode(X)) - clean) ** 2).reshape(len(X), -1).sum(1).mean())


# linear


def test_a_linear_autoencoder_spans_the_subspace_of_pca(digits: np.ndarray) -> None:
    coder = create_coder(
        "linear", "images", code_size=8, whiten=False, validation=0, epochs=600, batch_size=100, learning_rate=3e-3
    )
    coder.fit(digits)
    spanned = np.linalg.qr(linear_layers(coder.encoder)[0].weight.detach().numpy().T)[0]
    components = PCA(8).fit(digits.reshape(600, -1) / 255).components_
    cosines = np.linalg.svd(components @ spanned)[1]
    assert np.arccos(np.clip(cosines.min(), -1, 1)) < 0.02


def test_of_words_too_a_linear_autoencoder_gives_back_as_much_as_lsa(bags: Any) -> None:
    coder, lsa = (create_coder(name, "documents", code_size=16).fit(bags) for name in ("linear", "lsa"))
    loss, least = (((each.decode(each.encode(bags)) - bags.toarray()) ** 2).sum() for each in (coder, lsa))
    assert least * 0.99 < loss < least * 1.03


# regularized


@pytest.mark.parametrize("rows", ["digits", "bags"])
def test_tied_weights_are_one_tensor(rows: str, request: pytest.FixtureRequest) -> None:
    X = request.getfixturevalue(rows)
    coder = Autoencoder(8, layers=(32,), tied=True, epochs=1).fit(X)
    there, back = linear_layers(coder.encoder), [step for step in coder.decoder if hasattr(step, "weight")]
    assert [step.weight.data_ptr() for step in back] == [layer.weight.data_ptr() for layer in reversed(there)]
    assert sum(name.startswith("decoder") and name.endswith("weight") for name in coder.state_dict()) == 0
    plain = Autoencoder(8, layers=(32,), epochs=1).fit(X)
    assert sum(p.numel() for p in coder.parameters()) < 0.6 * sum(p.numel() for p in plain.parameters())


def test_dropout_is_for_training_alone(digits: np.ndarray) -> None:
    coder = Autoencoder(8, layers=(64,), dropout=0.5, epochs=1).fit(digits)
    x = torch.from_numpy(digits[:20] / np.float32(255))
    coder.train()
    assert not torch.equal(coder.to_code(x), coder.to_code(x))
    np.testing.assert_array_equal(coder.encode(digits[:20]), coder.encode(digits[:20]))


# deep and stack_rows


def test_layers_trained_one_by_one_are_the_deep_network_s_own_and_a_better_start(digits: np.ndarray) -> None:
    def last_loss(pretrained: bool) -> float:
        losses: list[Any] = []
        coder = Autoencoder(8, layers=(128, 64, 32), pretrained_layers=pretrained, epochs=12, batch_size=32, seed=1)
        coder.fit(digits, losses.append)
        assert len(losses) == 12 + (4 * 4 if pretrained else 0)
        return float(losses[-1].validation_loss)

    assert last_loss(True) < 0.9 * last_loss(False)


def test_stacked_denoising_takes_away_noise(digits: np.ndarray) -> None:
    coder = create_coder("stacked-denoising", "images", code_size=16, layers=(128, 64), epochs=30, batch_size=32).fit(
        digits[:500]
    )
    noisy = digits[500:] * (np.random.default_rng(0).random(digits[500:].shape) >= 0.3)
    assert errors(coder, noisy.astype(np.uint8), digits[500:]) < float(
        (((noisy - digits[500:].astype(float)) / 255) ** 2).reshape(100, -1).sum(1).mean()
    )


# sparse


def test_units_are_active_in_about_the_share_that_was_asked_for(digits: np.ndarray) -> None:
    coder = SparseAutoencoder(100, rho=0.1, weight=3, epochs=60, batch_size=64).fit(digits)  # wider than the 64 pixels
    codes = coder.encode(digits)
    assert codes.shape == (600, 100)
    assert 0.07 < codes.mean() < 0.13
    few = SparseAutoencoder(100, sparsity="l1", weight=0.3, epochs=40, batch_size=64).fit(digits).encode(digits)
    many = SparseAutoencoder(100, sparsity="l1", weight=0.0, epochs=40, batch_size=64).fit(digits).encode(digits)
    assert (few > 0).mean() < 0.7 * (many > 0).mean()


def test_the_divergence_of_two_coins_is_that_of_their_distributions() -> None:
    activity = torch.tensor([0.05, 0.2, 0.9])
    coins = torch.distributions.Bernoulli(torch.tensor(0.05)), torch.distributions.Bernoulli(activity)
    torch.testing.assert_close(sparse.divergence(0.05, activity), torch.distributions.kl_divergence(*coins))


# contractive


@pytest.mark.parametrize("layers", [(), (20,)])
@pytest.mark.parametrize("rows", ["digits", "bags"])
def test_the_closed_form_the_estimate_and_autograd_agree_on_the_jacobian(
    rows: str, layers: tuple[int, ...], request: pytest.FixtureRequest
) -> None:
    X = request.getfixturevalue(rows)[:12]
    coder = ContractiveAutoencoder(6, layers=layers, epochs=1, validation=0).fit(X)
    with torch.no_grad():  # far from 0, where the sigmoids bend
        for p in coder.encoder.parameters():
            p.mul_(2).add_(0.05)
    x = RowBatches(X, CPU)[torch.arange(12)]
    entry, z = coder._entered(x)
    torch.manual_seed(0)
    draws = torch.stack([coder.squared_jacobian(entry, z, torch.randn_like(z)).detach() for _ in range(3000)])
    if rows == "digits":
        jacobian = torch.autograd.functional.jacobian(lambda one: coder.to_code(one).sum(0), x)  # [D, B, ...]
    else:
        weights = torch.from_numpy(X.toarray())
        first, rest = coder.encoder[0], coder.encoder[1:]
        jacobian = torch.autograd.functional.jacobian(lambda one: rest(one @ first.weight + first.bias).sum(0), weights)
    expected = jacobian.square().flatten(2).sum((0, 2))
    torch.testing.assert_close(draws.mean(0), expected, rtol=0.1, atol=1e-6)
    if not layers:
        torch.testing.assert_close(coder.squared_jacobian(entry, z), expected, rtol=1e-4, atol=1e-7)


def test_contracted_codes_move_less_under_noise(digits: np.ndarray) -> None:
    def moved(weight: float) -> float:
        coder = ContractiveAutoencoder(16, layers=(64,), weight=weight, epochs=60, batch_size=64, whiten=False).fit(digits)
        noise = np.random.default_rng(0).normal(0, 12, digits.shape)
        codes, others = coder.encode(digits), coder.encode(np.clip(digits + noise, 0, 255).astype(np.uint8))
        return float(np.linalg.norm(codes - others, axis=1).mean() / codes.std(0).sum())

    assert moved(0.2) < 0.8 * moved(0.0)


# variational


def test_the_divergence_in_closed_form_is_that_of_monte_carlo() -> None:
    torch.manual_seed(0)
    mean, log_variance = torch.randn(5, 7), torch.randn(5, 7)
    posterior = torch.distributions.Normal(mean, (log_variance / 2).exp())
    z = posterior.sample((40_000,))
    estimate = (posterior.log_prob(z) - torch.distributions.Normal(0, 1).log_prob(z)).sum(2).mean(0)
    torch.testing.assert_close(variational.divergence(mean, log_variance), estimate, rtol=0.03, atol=0.03)


@pytest.fixture(scope="module")
def drawing(digits: np.ndarray) -> VariationalAutoencoder:
    return VariationalAutoencoder(8, epochs=150, batch_size=32, layers=(128,), warm_up=300).fit(digits)


def test_codes_are_means_and_new_items_look_like_the_old_ones(drawing: VariationalAutoencoder, digits: np.ndarray) -> None:
    np.testing.assert_array_equal(drawing.encode(digits), drawing.encode(digits))
    samples = drawing.sample(200, seed=1)
    assert samples.shape == (200, 1, 8, 8)
    assert (samples >= 0).all()
    assert (samples <= 1).all()
    np.testing.assert_array_equal(samples, drawing.sample(200, seed=1))
    assert not np.array_equal(samples, drawing.sample(200, seed=2))
    flat, seen = samples.reshape(200, -1), digits.reshape(600, -1) / 255

    def nearest(rows: np.ndarray) -> float:
        return float(((rows[:, None] - seen[None]) ** 2).sum(2).min(1).mean())

    shuffled = np.random.default_rng(0).permuted(flat, axis=0)  # each pixel as in the samples, but alone
    assert nearest(flat) < 0.75 * nearest(shuffled)


def test_the_elbo_is_higher_for_what_was_learned(drawing: VariationalAutoencoder, digits: np.ndarray) -> None:
    torch.manual_seed(0)
    x, strange = (torch.from_numpy(rows / np.float32(255)) for rows in (digits[:200], digits[:200, :, ::-1].copy()))
    assert drawing.elbo(x, draws=20) > drawing.elbo(strange, draws=20) + 1


def test_a_collapsed_posterior_is_said(digits: np.ndarray, drawing: VariationalAutoencoder) -> None:
    collapsed = VariationalAutoencoder(8, beta=200.0, epochs=10, warm_up=0, layers=(32,)).fit(digits)
    assert collapsed.active_units == 0
    assert "0 of 8 numbers of the code say anything" in collapsed.training_warnings()[0]
    assert drawing.active_units is not None
    assert drawing.active_units > 4


# hashing


def test_noise_saturates_the_units_that_become_bits(digits: np.ndarray) -> None:
    def unsure(noise: float) -> float:
        coder = HashingAutoencoder(16, code_noise=noise, epochs=80, batch_size=32, layers=(128,)).fit(digits)
        with torch.no_grad():
            units = coder.to_code(torch.from_numpy(digits / np.float32(255))).sigmoid()
        return float(((units > 0.1) & (units < 0.9)).float().mean())

    assert unsure(4.0) < 0.6 * unsure(0.0)


def test_bits_learned_as_bits_reconstruct(digits: np.ndarray) -> None:
    for straight_through in (False, True):
        coder = HashingAutoencoder(16, straight_through=straight_through, epochs=80, batch_size=32, layers=(128,)).fit(
            digits[:500]
        )
        held_out = digits[500:] / 255
        assert errors(coder, digits[500:]) < 0.75 * float(
            ((held_out - held_out.mean(0)) ** 2).reshape(100, -1).sum(1).mean()
        )


# masked


@pytest.fixture(scope="module")
def guessing(digits: np.ndarray) -> MaskedAutoencoder:
    return MaskedAutoencoder(16, hidden=0.5, epochs=150, batch_size=64, patience=150).fit(digits[:500])


def test_patches_are_put_together_again(guessing: MaskedAutoencoder) -> None:
    x = torch.rand(3, 1, 8, 12)
    patches = guessing.patchify(x)
    assert patches.shape == (3, 24, 4)
    torch.testing.assert_close(patches[0, 1], x[0, 0, :2, 2:4].flatten())
    torch.testing.assert_close(guessing.unpatchify(patches, 8, 12), x)


def test_a_mask_hides_its_share_anywhere_and_the_encoder_sees_the_others_alone(guessing: MaskedAutoencoder) -> None:
    torch.manual_seed(0)
    patches = torch.rand(400, 16, 4)
    seen, hidden = guessing.mask(patches)
    assert (hidden.sum(1) == 8).all()
    assert not hidden.gather(1, seen).any()
    assert (hidden.float().mean(0) - 0.5).abs().max() < 0.12
    other = patches.clone()
    other[hidden] = 9.0
    grid = (4, 4)
    torch.testing.assert_close(guessing.look(patches, grid, seen), guessing.look(other, grid, seen))


def test_hidden_patches_are_restored_better_than_by_their_mean_and_by_the_nearest_seen_one(
    guessing: MaskedAutoencoder, digits: np.ndarray
) -> None:
    test, clean = digits[500:], digits[500:] / 255
    restored, hidden = guessing.restore(test)
    assert hidden.mean() == 0.5
    mean = np.broadcast_to(digits[:500].mean(0) / 255, clean.shape)
    np.testing.assert_allclose(np.where(hidden, 0, restored), np.where(hidden, 0, clean), atol=1e-5)
    apart = ((restored - clean) ** 2)[np.broadcast_to(hidden, clean.shape)].mean()
    assert apart < 0.95 * ((mean - clean) ** 2)[np.broadcast_to(hidden, clean.shape)].mean()
    patches = guessing.patchify(torch.from_numpy(clean).float())
    gone = guessing.patchify(torch.from_numpy(hidden).float())[:, :, 0].bool()
    places = torch.stack(torch.meshgrid(torch.arange(4.0), torch.arange(4.0), indexing="ij"), -1).flatten(0, 1)
    far = torch.cdist(places, places)[None].expand(100, -1, -1).masked_fill(gone[:, None, :], 99)
    copied = patches.gather(1, far.argmin(2)[..., None].expand(-1, -1, 4))
    assert apart < 0.8 * float((copied - patches)[gone].square().mean())


def test_it_works_at_another_size_than_it_was_trained_at(guessing: MaskedAutoencoder, digits: np.ndarray) -> None:
    larger = np.concatenate([digits[500:], digits[400:500]], axis=3)
    assert guessing.encode(larger).shape == (100, 16)
    assert guessing.restore(larger)[0].shape == (100, 1, 8, 16)
    with pytest.raises(ShapeMismatch, match="patches of 2"):
        guessing.encode(digits[:5, :, :, :7])


@pytest.mark.parametrize(("size", "side"), [((28, 28), 4), ((32, 32), 4), ((8, 8), 2), ((64, 48), 4), ((30, 20), 2)])
def test_patches_divide_the_picture_where_nothing_else_is_said(size: tuple[int, int], side: int) -> None:
    coder = MaskedAutoencoder(8)
    coder._build((1, *size), sparse=False)
    assert coder.side == side


def test_positions_tell_every_place_apart() -> None:
    places = positions((5, 7), 16, CPU)
    assert places.shape == (35, 16)
    assert torch.cdist(places, places).fill_diagonal_(9).min() > 0.1


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda X: MaskedAutoencoder(16, patch=3).fit(X), "3 pixels do not divide 8 x 8"),
        (lambda X: MaskedAutoencoder(100).fit(X), "more than the width 64"),
        (lambda X: MaskedAutoencoder(16, hidden=1.0), "between 0 and 1"),
        (lambda X: HashingAutoencoder(12), "choose 16"),
        (lambda X: SparseAutoencoder(16, rho=0), "between 0 and 1"),
        (lambda X: ContractiveAutoencoder(16, weight=-1), "0 or more"),
        (lambda X: VariationalAutoencoder(16, beta=-1), "0 or more"),
        (lambda X: VariationalAutoencoder(16, tied=True), "cannot be paired"),
        (lambda X: VariationalAutoencoder(16, pretrained_layers=True), "cannot be paired"),
        (lambda X: Autoencoder(16, dropout=1.0), "under 1"),
        (lambda X: Autoencoder(16, body="convolutional", tied=True), "dense body"),
        (lambda X: Autoencoder(64).fit(X), "would copy them"),
        (lambda X: Autoencoder(16, loss="bce").fit(X.astype(np.float32)), "0 to 1"),
    ],
)
def test_settings_that_do_not_go_are_refused_with_the_rule(make: Any, says: str, digits: np.ndarray) -> None:
    with pytest.raises(InvalidParameter, match=says):
        make(digits)


def test_the_encoder_is_a_module_that_starts_another_network(digits: np.ndarray) -> None:
    coder = Autoencoder(16, layers=(64,), epochs=2).fit(digits)
    network = nn.Sequential(coder.standard, coder.encoder, nn.Linear(16, 10))
    assert network(torch.from_numpy(digits[:5] / np.float32(255))).shape == (5, 10)
