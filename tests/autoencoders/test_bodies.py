"""Bodies give back the shape that they were given, at any size."""

import pytest
import torch

from aesearch.autoencoders import convolutional, dense
from aesearch.errors import InvalidParameter


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (1, 28, 28), (3, 33, 47), (1, 5, 64), (1, 2, 2), (1, 3, 9)])
def test_a_convolutional_body_returns_to_its_shape(shape: tuple[int, ...]) -> None:
    x = torch.rand(2, *shape)
    code = convolutional.encoder(shape, (4, 8, 8), 5)(x)
    assert code.shape == (2, 5)
    assert convolutional.decoder(shape, (4, 8, 8), 5)(code).shape == x.shape


@pytest.mark.parametrize("layers", [(), (6,), (9, 6)])
def test_a_dense_body_returns_to_its_shape(layers: tuple[int, ...]) -> None:
    x = torch.rand(2, 1, 4, 4)
    code = dense.encoder((1, 4, 4), layers, 3, sparse=False)(x)
    assert code.shape == (2, 3)
    assert dense.decoder((1, 4, 4), layers, 3, sparse=False)(code).shape == x.shape


def test_convolutions_need_a_picture() -> None:
    with pytest.raises(InvalidParameter, match='choose "dense"'):
        convolutional.encoder((100,), (4,), 3)
