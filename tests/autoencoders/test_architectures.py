"""Dense and convolutional networks: shapes, tied weights, dropout, and the linear case that equals PCA and LSA."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn

from aesearch.autoencoders import convolutional, dense
from aesearch.autoencoders.autoencoder import Autoencoder
from aesearch.autoencoders.dense import TiedLinear, get_linear_layers
from aesearch.catalog import create_coder
from aesearch.errors import InvalidParameter


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 33, 47), (1, 5, 64), (1, 2, 2), (1, 3, 9)])
def test_convolutional_decoder_restores_image_shape(shape: tuple[int, ...]) -> None:
    x = torch.rand(2, *shape)
    code = convolutional.build_encoder(shape, (4, 8, 8), 5)(x)
    assert code.shape == (2, 5)
    assert convolutional.build_decoder(shape, (4, 8, 8), 5)(code).shape == x.shape


@pytest.mark.parametrize("layers", [(), (6,), (9, 6)])
def test_dense_decoder_restores_row_shape(layers: tuple[int, ...]) -> None:
    x = torch.rand(2, 1, 4, 4)
    code = dense.build_encoder((1, 4, 4), layers, 3, is_sparse=False)(x)
    assert code.shape == (2, 3)
    assert dense.build_decoder((1, 4, 4), layers, 3, is_sparse=False)(code).shape == x.shape


def test_convolutional_encoder_rejects_vectors() -> None:
    with pytest.raises(InvalidParameter, match='choose "dense"'):
        convolutional.build_encoder((100,), (4,), 3)


@pytest.mark.parametrize("rows", ["digits", "bags"])
def test_tied_decoder_shares_encoder_weights(rows: str, request: pytest.FixtureRequest) -> None:
    X = request.getfixturevalue(rows)
    tied = Autoencoder(8, layers=(32,), tied=True, epochs=1).fit(X)
    encoder_layers = get_linear_layers(tied.encoder)
    decoder_layers = [layer for layer in tied.decoder if isinstance(layer, TiedLinear)]
    assert [layer.weight.data_ptr() for layer in decoder_layers] == [
        layer.weight.data_ptr() for layer in reversed(encoder_layers)
    ]
    assert not [name for name in tied.state_dict() if name.startswith("decoder") and name.endswith("weight")]
    untied = Autoencoder(8, layers=(32,), epochs=1).fit(X)
    n_tied, n_untied = (sum(p.numel() for p in coder.parameters()) for coder in (tied, untied))
    assert n_tied < 0.6 * n_untied


def test_dropout_is_active_in_training_only(digits: np.ndarray) -> None:
    coder = Autoencoder(8, layers=(64,), dropout=0.5, epochs=1).fit(digits)
    np.testing.assert_array_equal(coder.encode(digits[:20]), coder.encode(digits[:20]))
    x = torch.from_numpy(digits[:20] / np.float32(255))
    coder.train()
    assert not torch.equal(coder.to_code(x), coder.to_code(x))


def test_encoder_can_start_another_network(digits: np.ndarray) -> None:
    coder = Autoencoder(16, layers=(64,), epochs=2).fit(digits)
    classifier = nn.Sequential(coder.standardizer, coder.encoder, nn.Linear(16, 10))
    assert classifier(torch.from_numpy(digits[:5] / np.float32(255))).shape == (5, 10)


def test_linear_autoencoder_learns_pca_subspace(digits: np.ndarray) -> None:
    params = {"validation": 0, "epochs": 300, "batch_size": 100, "learning_rate": 1e-2}
    coder = create_coder("linear", "images", code_size=8, whiten=False, **params).fit(digits)
    basis = np.linalg.qr(get_linear_layers(coder.encoder)[0].weight.detach().numpy().T)[0]
    components = PCA(8).fit(digits.reshape(600, -1) / 255).components_
    cosines = np.linalg.svd(components @ basis)[1]
    largest_angle = np.arccos(np.clip(cosines.min(), -1, 1))
    assert largest_angle < 0.01


def test_linear_autoencoder_reconstructs_words_like_lsa(bags: Any) -> None:
    def squared_error(name: str) -> float:
        coder = create_coder(name, "documents", code_size=16).fit(bags)
        return float(((coder.decode(coder.encode(bags)) - bags.toarray()) ** 2).sum())

    optimum = squared_error("lsa")
    assert optimum * 0.99 < squared_error("linear") < optimum * 1.03
