"""Real small data that ships with the dependencies: handwritten digits, and what the standard library says of itself."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.datasets import load_digits
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.trainers import WordLevelTrainer

from aesearch.autoencoders.export import export_encoder
from aesearch.cli.demo import lay_out_digits, lay_out_documentation
from aesearch.features.bag_of_words import BagOfWords
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """[600, 1, 8, 8] uint8"""
    return (load_digits().images[:600, None] * (255 / 16)).astype(np.uint8)


@pytest.fixture(scope="session")
def vectors() -> np.ndarray:
    """[600, 40] float32: the digits as somebody else's model might give them, turned and scaled at will."""
    pixels = load_digits().images[:600].reshape(600, 64)
    return (np.random.default_rng(0).standard_normal((40, 64)) @ pixels.T).T.astype(np.float32)


@pytest.fixture(scope="session")
def picture_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of pictures as a user might have it: [N, 3, 16, 16] -> [N, 12, 4, 4], untrained."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "eyes.onnx"
    export_encoder(torch.nn.Sequential(torch.nn.Conv2d(3, 12, 4, 4), torch.nn.ReLU()), (3, 16, 16), path)
    return path


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory, documents: list[Item]) -> Path:
    """A model of texts, [N, T] -> [N, T, 10], and beside it the tokenizer of the words that it knows."""
    folder = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.train_from_iterator(
        [str(one.content) for one in documents], WordLevelTrainer(special_tokens=["[PAD]", "[UNK]"])
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    vectors = np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), 10)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gather", ["vectors", "input_ids"], ["tokens"])],
        "reader",
        [onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["N", "T"])],
        [onnx.helper.make_tensor_value_info("tokens", onnx.TensorProto.FLOAT, ["N", "T", 10])],
        [onnx.numpy_helper.from_array(vectors, "vectors")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "reader.onnx")
    return folder / "reader.onnx"


@pytest.fixture(scope="session")
def digit_labels() -> np.ndarray:
    """[600]"""
    return load_digits().target[:600]


@pytest.fixture(scope="session")
def digit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/DIGIT/NUMBER.png and test/..., 1,797 in all."""
    folder = tmp_path_factory.mktemp("data") / "digits"
    lay_out_digits(folder)
    return folder


@pytest.fixture(scope="session")
def documentation_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/MODULE/NAME.txt and test/..., some 2,000 in all."""
    folder = tmp_path_factory.mktemp("data") / "documentation"
    lay_out_documentation(folder)
    return folder


@pytest.fixture(scope="session")
def documents(documentation_folder: Path) -> list[Item]:
    return list(read_files(documentation_folder / "test"))


@pytest.fixture(scope="session")
def bags(documents: list[Item]) -> csr_array:
    """[N, 1000] TF-IDF rows of `documents`."""
    return BagOfWords(vocabulary=1000).fit(documents).transform(documents)


@pytest.fixture(scope="session")
def digit_index(digit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the digits in train, by a convolutional autoencoder of two epochs."""
    folder = tmp_path_factory.mktemp("indexes") / "digits"
    Retriever.build(digit_folder / "train", coder="convolutional", code_size=16, epochs=2).save(folder)
    return folder


@pytest.fixture(scope="session")
def document_index(documentation_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of the documentation in train, by a dense autoencoder of six epochs."""
    folder = tmp_path_factory.mktemp("indexes") / "documentation"
    Retriever.build(documentation_folder / "train", coder="dense", code_size=16, epochs=6).save(folder)
    return folder
