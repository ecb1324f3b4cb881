"""Shared by the benchmarks: the labeled data sets, as items, as rows of features, and as folders of files."""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from PIL import Image

from aesearch import Item
from aesearch.readers.folder import read_files
from aesearch.readers.image_sets import read_idx

Split = Literal["database", "queries"]

_IDX_FILES = ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz")
_NEWSGROUPS_FILES = ("train.jsonl.gz", "test.jsonl.gz")
_PATHS = {  # of the database and of the queries, below the data folder
    "mnist": ("image/mnist", _IDX_FILES),
    "fashion-mnist": ("image/fashion-mnist", _IDX_FILES),
    "cifar10-subset": ("image/cifar10-subset", ("data_batch_1.bin", "test_batch.bin")),
    "clothing": ("image/clothing", ("train", "test")),
    "20news": ("text/20news", _NEWSGROUPS_FILES),
    "20news-stripped": ("text/20news", _NEWSGROUPS_FILES),
    "butterflies": ("image/butterflies", ("train", "test")),
    "reuters20": ("text/reuters20", _NEWSGROUPS_FILES),
    "unbalanced-20news": ("unbalanced-20news", _NEWSGROUPS_FILES),
    "thucnews": ("text/zh_thucnews_titles", ("dev.txt", "test.txt")),
}

DATA_SETS = tuple(_PATHS)
IMAGE_SETS = ("mnist", "fashion-mnist", "cifar10-subset", "clothing", "butterflies")
STANDARD_SETS = ("mnist", "fashion-mnist", "cifar10-subset", "clothing", "20news")
"""Sets on which all coders are compared."""

FILES_PER_FOLDER = 1000


@dataclass(frozen=True)
class LabeledRows:
    """Rows and labels of a database and of its queries.

    Attributes
    ----------
    X, Q : array or csr matrix of shape (n_items, ...) and (n_queries, ...)
    labels, query_labels : array of shape (n_items,) and (n_queries,)
        In a set with several labels per item, an array of objects: each is a list of labels.
    """

    X: Any
    Q: Any
    labels: np.ndarray
    query_labels: np.ndarray

    def shuffled(self) -> Self:
        """Return the rows with the database in random order, so that the order in which ties are broken favors no label."""
        order = np.random.default_rng(0).permutation(len(self.labels))
        return replace(self, X=self.X[order], labels=self.labels[order])


def transform_labeled(features: Any, database: Sequence[Item], queries: Sequence[Item]) -> LabeledRows:
    """Fit features to a database, and transform the database and the queries."""
    features.fit(database)
    labels, query_labels = (_label_array([item.label for item in items]) for items in (database, queries))
    return LabeledRows(features.transform(database), features.transform(queries), labels, query_labels)


def _label_array(labels: Sequence[Any]) -> np.ndarray:
    """Return labels as an array of one dimension, also if a label is a list of labels."""
    if not any(isinstance(label, list | tuple) for label in labels):
        return np.array(labels)
    array = np.empty(len(labels), object)
    array[:] = labels
    return array


def set_path(data: Path, name: str, split: Split) -> Path:
    """Return the file or the folder of one split of a data set."""
    folder, splits = _PATHS[name]
    return data / folder / splits[0 if split == "database" else 1]


def load_items(data: Path, name: str, split: Split, image_size: tuple[int, int] | None = None) -> list[Item]:
    """Read one split of a data set.

    Parameters
    ----------
    data : Path
        Folder that holds image/ and text/.
    name : str
        One of DATA_SETS. "20news-stripped" is 20 Newsgroups without headers, footers and quotes.
        "unbalanced-20news" is a folder of that name with train.jsonl.gz and test.jsonl.gz, whose class sizes differ.
    split : {"database", "queries"}
        The training and the test split; for "thucnews" dev and test.
    image_size : tuple of int, optional
        Width and height that the files of a folder of images are resized to.
    """
    path = set_path(data, name, split)
    if name == "thucnews":
        rows = (line.split("\t") for line in path.read_text(encoding="utf-8").splitlines())
        return [Item(str(number), title, label) for number, (title, label) in enumerate(rows)]
    if name in IMAGE_SETS:
        return list(read_files(path).with_image_size(image_size))
    prepare = _strip_message if name == "20news-stripped" else str
    return [Item(row["id"], prepare(row["text"]), row["label"]) for row in read_json_lines(path)]


def sample_items(items: Sequence[Item], count: int) -> list[Item]:
    """Return at most `count` of the items, drawn at random and in random order."""
    order = np.random.default_rng(0).permutation(len(items))[:count]
    return [items[position] for position in order]


def read_json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _strip_message(text: str) -> str:
    """Remove header, quotes and footer as scikit-learn's `fetch_20newsgroups(remove=...)` does."""
    from sklearn.datasets._twenty_newsgroups import strip_newsgroup_footer, strip_newsgroup_header, strip_newsgroup_quoting

    return strip_newsgroup_footer(strip_newsgroup_quoting(strip_newsgroup_header(text)))


def write_digit_files(data: Path, folder: Path, count: int) -> None:
    """Write the first `count` digits of MNIST as PNG files, FILES_PER_FOLDER in a folder."""
    digits = read_idx(set_path(data, "mnist", "database"))
    for number, item in zip(range(count), digits, strict=False):
        assert isinstance(item, Item)
        assert isinstance(item.content, Image.Image)
        item.content.save(_numbered_path(folder, number, ".png"), compress_level=1)


def write_text_files(data: Path, folder: Path, count: int) -> None:
    """Write `count` passages of 20 Newsgroups as text files, FILES_PER_FOLDER in a folder."""
    for number, passage in zip(range(count), _passages(data), strict=False):
        _numbered_path(folder, number, ".txt").write_text(passage, encoding="utf-8")


def write_newsgroup_files(data: Path, folder: Path) -> None:
    """Write 20 Newsgroups as a user would store it: one text file per message, one folder per class."""
    for row in read_json_lines(set_path(data, "20news", "database")):
        path = folder / f"{row['id']}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"], encoding="utf-8")


def _numbered_path(folder: Path, number: int, ending: str) -> Path:
    path = folder / f"{number // FILES_PER_FOLDER:03}" / f"{number:06}{ending}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _passages(data: Path) -> Iterator[str]:
    """Yield up to three passages of 1,000 characters from each message."""
    for row in read_json_lines(set_path(data, "20news", "database")):
        text = row["text"]
        yield from (text[start : start + 1000] for start in range(0, min(len(text) - 200, 3000), 1000))
