"""Shared fixtures: small real data sets, which ship with the dependencies, and indexes of them.

Heavy modules are imported inside the fixtures, so that tests which do not use them start faster.
"""

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if "PYTEST_XDIST_WORKER" in os.environ:  # torch processes whose threads outnumber the cores slow each other many times over
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
from scipy.sparse import csr_array

from aesearch.features.bag_of_words import BagOfWords
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.readers.workers import WorkerPool


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """Return images of handwritten digits, [600, 1, 8, 8] uint8."""
    from sklearn.datasets import load_digits

    return (load_digits().images[:600, None] * (255 / 16)).astype(np.uint8)


@pytest.fixture(scope="session")
def digit_labels() -> np.ndarray:
    """Return the labels of `digits`, [600] int."""
    from sklearn.datasets import load_digits

    return load_digits().target[:600]


@pytest.fixture(scope="session")
def vectors() -> np.ndarray:
    """Return vectors of digits, [600, 40] float32: a random projection stands for the model of a user."""
    from sklearn.datasets import load_digits

    pixels = load_digits().images[:600].reshape(600, 64)
    return (np.random.default_rng(0).standard_normal((40, 64)) @ pixels.T).T.astype(np.float32)


@pytest.fixture(scope="session")
def digit_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 1,797 images of digits, train/DIGIT/NUMBER.png and test/DIGIT/NUMBER.png, and return their folder."""
    from aesearch.cli.demo import write_digit_images

    folder = tmp_path_factory.mktemp("data") / "digits"
    write_digit_images(folder)
    return folder


@pytest.fixture(scope="session")
def documentation_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write about 2,000 texts, train/MODULE/NAME.txt and test/MODULE/NAME.txt, and return their folder."""
    from aesearch.cli.demo import write_documentation_texts

    folder = tmp_path_factory.mktemp("data") / "documentation"
    write_documentation_texts(folder)
    return folder


@pytest.fixture(scope="session")
def documents(documentation_folder: Path) -> list[Item]:
    """Return the held-out texts of the documentation."""
    return list(read_files(documentation_folder / "test"))


@pytest.fixture(scope="session")
def bags(documents: list[Item]) -> csr_array:
    """Return the TF-IDF rows of `documents`, [n_documents, 1000] float32."""
    return BagOfWords(vocabulary_size=1000).fit(documents).transform(documents)


@pytest.fixture(scope="session")
def digit_index(digit_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index of the training digits: a convolutional autoencoder, trained for two epochs."""
    folder = tmp_path_factory.mktemp("indexes") / "digits"
    Retriever.build(digit_folder / "train", coder="convolutional", code_size=16, epochs=2).save(folder)
    return folder


@pytest.fixture(scope="session")
def document_index(documentation_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an index of the training texts: a dense autoencoder, trained for six epochs."""
    folder = tmp_path_factory.mktemp("indexes") / "documentation"
    Retriever.build(documentation_folder / "train", coder="dense", code_size=16, epochs=6).save(folder)
    return folder


@pytest.fixture(scope="session")
def image_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of an untrained ONNX model of images, [N, 3, 16, 16] -> [N, 12, 4, 4]."""
    import torch

    from aesearch.autoencoders.export import export_encoder

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "image_model.onnx"
    export_encoder(torch.nn.Sequential(torch.nn.Conv2d(3, 12, 4, 4), torch.nn.ReLU()), (3, 16, 16), path)
    return path


@pytest.fixture(scope="session")
def text_model(tmp_path_factory: pytest.TempPathFactory, documents: list[Item]) -> Path:
    """Return the path of an ONNX model of texts, [N, n_tokens] -> [N, n_tokens, 10], beside its tokenizer."""
    import onnx
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from tokenizers.trainers import WordLevelTrainer

    folder = tmp_path_factory.mktemp("model")
    tokenizer = Tokenizer(WordLevel(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.train_from_iterator(
        [str(item.content) for item in documents], WordLevelTrainer(special_tokens=["[PAD]", "[UNK]"])
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    embeddings = np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), 10)).astype(np.float32)
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Gather", ["embeddings", "input_ids"], ["tokens"])],
        "text_model",
        [onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["N", "T"])],
        [onnx.helper.make_tensor_value_info("tokens", onnx.TensorProto.FLOAT, ["N", "T", 10])],
        [onnx.numpy_helper.from_array(embeddings, "embeddings")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "text_model.onnx")
    return folder / "text_model.onnx"


def _corrupt(content: bytes, rng: random.Random) -> bytes:
    """Return a content with bytes altered, zeroed, inserted or deleted, or without its end."""
    result = bytearray(content)
    for _ in range(rng.choice((1, 2, 20))):
        position, length = rng.randrange(len(result) or 1), rng.choice((1, 4, 300))
        match rng.randrange(5):
            case 0:
                result[position : position + 1] = bytes([rng.randrange(256)])
            case 1:
                result[position : position + length] = bytes(length)
            case 2:
                result[position : position + 4] = b"\xff\xff\xff\x7f"
            case 3:
                result[position:position] = result[rng.randrange(len(result) or 1) :][:length]
            case 4:
                del result[position : len(result) if rng.random() < 0.3 else position + length]
    return bytes(result)


@pytest.fixture(scope="session")
def corrupt() -> Callable[[bytes, random.Random], bytes]:
    """Return a function that corrupts the content of a file at random."""
    return _corrupt


def _write_tree(folder: Path, tree: Mapping[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    for name, node in tree.items():
        path = folder / name
        if name in (".", "..") or len(os.fsencode(name)) > 255 or os.path.lexists(path):
            continue
        match node:
            case bytes():
                path.write_bytes(node)
            case Path():
                path.symlink_to(node)
            case None:
                os.mkfifo(path)
            case _:
                _write_tree(path, node)


@pytest.fixture(scope="session")
def write_tree() -> Callable[[Path, Mapping[str, Any]], None]:
    """Return a function that writes a folder: bytes become files, paths links, None a pipe, and mappings folders.

    Names that the file system refuses, or that exist already, are left out.
    """
    return _write_tree


@pytest.fixture(scope="session")
def pool() -> WorkerPool:
    """Return workers for all examples of a property. To start them for each example would take most of the time."""
    return WorkerPool()
