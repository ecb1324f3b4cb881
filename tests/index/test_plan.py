"""A plan chooses defaults, and refuses names and parameters that do not exist before anything is read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.coders.itq import ITQ
from aesearch.coders.linear import LSA, PCA, Raw
from aesearch.errors import InvalidParameter, NoItems, UnknownName, WrongKind
from aesearch.features.bag_of_words import BagOfWords
from aesearch.index.plan import BuildPlan, default_code_size
from aesearch.items import Item
from aesearch.readers.folder import FileCollection, read_files

TEXTS = [Item("a", "threads and locks"), Item("b", "sockets and locks"), Item("c", "threads and sockets")]


class UnreadFiles(FileCollection):
    """Files that must not be read."""

    def __iter__(self) -> Any:
        return self._fail()

    def _fail(self) -> Any:
        raise AssertionError("the files are read")
        yield


@pytest.fixture
def unread(notes: Path) -> UnreadFiles:
    files = read_files(notes)
    return UnreadFiles(files.root, files.paths, files.kind, files.fields)


@pytest.mark.parametrize(
    ("content", "features", "coder"),
    [
        ("a text", "bag-of-words", "auto"),
        (np.zeros((8, 8), np.uint8), "pixels", "auto"),
        (np.zeros(8, np.float32), "vectors", "auto"),
    ],
)
def test_defaults_depend_on_kind_of_items(content: Any, features: str, coder: str) -> None:
    plan = BuildPlan([Item("a", content)])
    assert (plan.features.name, plan.coder) == (features, coder)
    assert plan.source is None


def test_folder_is_read_with_its_source(notes: Path) -> None:
    plan = BuildPlan(notes, coder="lsa")
    assert plan.source is not None
    assert (plan.kind, plan.source.root) == ("documents", str(notes.resolve()))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"coder": "lsaa"}, UnknownName, 'unknown coder "lsaa"; did you mean "lsa"'),
        ({"coder": "pca"}, WrongKind, "for documents choose from"),
        ({"coder": "lsa", "params": {"epcohs": 3}}, InvalidParameter, 'coder "lsa" has no parameter "epcohs"'),
        ({"coder": "dense", "params": {"epcohs": 3}}, InvalidParameter, 'coder "dense" has no parameter "epcohs"'),
        ({"coder": "raw", "code_size": 8}, InvalidParameter, 'coder "raw" has no parameter "code_size"'),
        ({"coder": "lsa", "code_size": 12, "bits": True}, InvalidParameter, "multiple of 8"),
        ({"coder": "raw", "bits": True}, InvalidParameter, 'coder "raw"'),
        ({"coder": LSA(2), "code_size": 99}, InvalidParameter, r"cannot set code_size of an existing coder; .* LSA\(\)"),
        ({"coder": LSA(2), "params": {"seed": 3}}, InvalidParameter, "cannot set seed of an existing coder"),
        ({"coder": LSA(12), "bits": True}, InvalidParameter, "multiple of 8"),
        ({"coder": "lsa", "store": "falt"}, UnknownName, 'unknown store "falt"; did you mean "flat"'),
        ({"coder": "lsa", "store": "sparse"}, InvalidParameter, 'store "sparse" does not hold dense codes'),
        ({"coder": "raw", "store": "flat"}, InvalidParameter, 'store "flat" does not hold sparse codes'),
    ],
)
def test_invalid_parameter_is_refused_before_reading(
    arguments: dict[str, Any], error: type[Exception], message: str, unread: UnreadFiles
) -> None:
    with pytest.raises(error, match=message):
        BuildPlan(unread, **arguments)


@pytest.mark.parametrize("coder", ["lsa", "raw", LSA(8)])
def test_valid_plan_reads_nothing(coder: str | LSA, unread: UnreadFiles) -> None:
    BuildPlan(unread, coder=coder, store="sparse" if coder == "raw" else "flat")


def test_items_are_required() -> None:
    with pytest.raises(NoItems, match="pass at least one"):
        BuildPlan([])


def test_items_that_can_be_iterated_once_are_refused() -> None:
    with pytest.raises(InvalidParameter, match="only once"):
        BuildPlan(iter(TEXTS))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shape", "n_items", "code_size"),
    [((1, 28, 28), 1000, 64), ((1, 8, 8), 1000, 32), ((1, 8, 8), 20, 16), ((10,), 1000, 5), ((3,), 2, 1)],
)
def test_default_code_size_is_at_most_half_a_row(shape: tuple[int, ...], n_items: int, code_size: int) -> None:
    assert default_code_size(PCA, np.zeros((n_items, *shape), np.uint8)) == code_size


def test_named_coder_gets_code_size_of_the_rows() -> None:
    X = BagOfWords().fit(TEXTS).transform(TEXTS)
    assert BuildPlan(TEXTS, coder="lsa", params={"seed": 7}).create_coder(X).get_params() == {"code_size": 2, "seed": 7}
    assert BuildPlan(TEXTS, coder="lsa", code_size=3).create_coder(X).code_size == 3
    assert isinstance(BuildPlan(TEXTS, coder="raw").create_coder(X), Raw)


def test_existing_coder_is_used() -> None:
    coder = LSA(8)
    X = np.zeros((3, 4))
    assert BuildPlan(TEXTS, coder=coder).create_coder(X) is coder
    bits = BuildPlan(TEXTS, coder=coder, bits=True).create_coder(X)
    assert isinstance(bits, ITQ)
    assert bits.base is coder


def test_plans_with_different_results_differ(notes: Path) -> None:
    plans = [
        BuildPlan(notes, coder="lsa"),
        BuildPlan(notes, coder="lsa", code_size=8),
        BuildPlan(notes, coder="lsa", bits=True),
        BuildPlan(notes, coder="lsa", params={"seed": 1}),
        BuildPlan(notes, coder=LSA(64)),
        BuildPlan(notes, coder=ITQ(LSA(64))),
        BuildPlan(notes, coder=ITQ(LSA(64, seed=1))),
        BuildPlan(notes, coder="raw"),
        BuildPlan(notes, BagOfWords(weighting="binary"), "lsa"),
        BuildPlan(notes, coder="lsa", training_sample=10),
        BuildPlan(notes / "threads", coder="lsa"),
    ]
    descriptions = [json.dumps(plan.as_dict()) for plan in plans]
    assert len(set(descriptions)) == len(plans)
    assert json.dumps(BuildPlan(notes, coder="lsa", store="flat").as_dict()) == descriptions[0]
