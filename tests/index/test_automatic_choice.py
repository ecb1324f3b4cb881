"""By default, a build chooses the coder: by its score on held-out items, and without training if the items are few."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aesearch.coders.auto import AutoCoder
from aesearch.coders.base import Trial
from aesearch.coders.linear import LSA, PCA
from aesearch.coders.validation import score_coder
from aesearch.errors import InvalidParameter
from aesearch.index.build import Batching, build_index
from aesearch.index.plan import BuildPlan
from aesearch.index.progress import ProgressCallback, ignore_progress
from aesearch.index.retriever import Retriever
from aesearch.items import Item
from aesearch.readers.folder import read_files
from aesearch.scoring import hold_out

N_VECTORS = 300
CANDIDATES = ["neighbors", "pca-whitened", "pca"]


@pytest.fixture
def short_training(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the neighbor autoencoder train for a moment only."""
    from aesearch.autoencoders import neighbors
    from aesearch.coders import auto

    monkeypatch.setattr(auto, "LONG_ROUND", {"rounds": 1, "first_steps": 40})
    for name in ("IMAGE_DEFAULTS", "DOCUMENT_DEFAULTS"):
        short = getattr(neighbors, name)._replace(rounds=2, first_steps=20, steps_per_round=20)
        monkeypatch.setattr(neighbors, name, short)


@pytest.fixture
def vector_file(vectors: np.ndarray, tmp_path: Path) -> Path:
    np.save(tmp_path / "vectors.npy", vectors[:N_VECTORS])
    return tmp_path / "vectors.npy"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a table of 520 short texts: enough for a training, but fewer than 500 without the held-out ones."""
    rng = np.random.default_rng(0)
    rows = []
    for number in range(520):
        subject = [f"{'abcdefgh'[number % 8]}{term}" for term in range(8)]
        rows.append({"id": str(number), "text": " ".join([*rng.choice(subject, 6), *rng.choice(["the", "and", "of"], 4)])})
    (tmp_path / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path / "texts.jsonl"


class RecordingPCA(PCA):
    """PCA that keeps the rows of each fit."""

    fitted_rows: list[np.ndarray]

    def fit(self, X: Any, *arguments: Any, **keywords: Any) -> "RecordingPCA":
        self.fitted_rows = [*getattr(self, "fitted_rows", []), X]
        return super().fit(X, *arguments, **keywords)


def distinct(rows: np.ndarray) -> set[bytes]:
    return {row.tobytes() for row in rows}


def test_score_is_computed_with_held_out_items(vectors: np.ndarray) -> None:
    coder = RecordingPCA(8)
    record = Retriever.build([Item(str(n), row) for n, row in enumerate(vectors)], coder=coder).record
    training, everything = coder.fitted_rows
    held_out_rows = distinct(everything) - distinct(training)
    assert len(held_out_rows) == len(vectors) // 10
    assert record.score is not None
    assert record.score.n_items == len(held_out_rows)
    rows, held_out = hold_out(everything, np.random.default_rng(0))
    assert held_out is not None
    assert distinct(np.asarray(held_out.rows)) == held_out_rows
    assert record.score == score_coder(PCA(8).fit(rows), rows, held_out).summarize()


def test_few_items_are_scored_by_cross_fitting(notes: Path) -> None:
    coder = LSA(8)
    record = Retriever.build(notes, coder=coder).record
    assert record.score is not None
    assert record.score.n_items == 60
    assert Retriever.build(notes, coder="dense", code_size=8, epochs=1).record.score is None  # too slow to fit repeatedly


def test_few_documents_are_not_encoded(notes: Path, tmp_path: Path) -> None:
    built = Retriever.build(notes)
    assert [(trial.coder, trial.is_chosen) for trial in built.record.trials] == [("raw", True)]
    assert built.record.score is not None
    assert built.record.score.n_items == 60
    assert (built.coder.name, built.store.name) == ("raw", "sparse")
    built.save(tmp_path / "index")
    loaded = Retriever.load(tmp_path / "index")
    assert loaded.coder.name == "raw"
    query = (notes / "threads" / "03.txt").read_text()
    assert loaded.query(query, 5) == built.query(query, 5)


@pytest.mark.parametrize(
    ("arguments", "code_size"), [({"fixed_size": True}, 40), ({"code_size": 8}, 8), ({"bits": True}, 40)]
)
def test_few_documents_get_codes_of_requested_size(
    arguments: dict[str, Any], code_size: int, notes: Path, tmp_path: Path
) -> None:
    built = Retriever.build(notes, **arguments)
    built.save(tmp_path / "index")
    for index in (built, Retriever.load(tmp_path / "index")):
        assert (index.coder.base.name, index.coder.code_size) == ("lsa", code_size)
        assert (index.coder.metric == "hamming") == ("bits" in arguments)
    assert [trial.coder for trial in built.record.trials] == ["lsa"]


@pytest.mark.usefixtures("short_training")
def test_coder_with_best_score_is_chosen(vectors: np.ndarray, tmp_path: Path) -> None:
    built = Retriever.build([Item(str(n), row) for n, row in enumerate(vectors)])
    trials = built.record.trials
    assert [trial.coder for trial in trials] == CANDIDATES
    [chosen] = [trial for trial in trials if trial.is_chosen]
    scores = [trial.score or 0 for trial in trials]
    assert min(scores) > 0
    assert (chosen.score or 0) * 1.02 >= max(scores)  # an earlier one is preferred unless it is clearly worse
    assert built.coder.name == chosen.coder
    if not built.coder.is_fast_to_fit:
        assert built.record.score is not None
        assert built.record.score.value == pytest.approx(chosen.score)
    built.save(tmp_path / "index")
    loaded = Retriever.load(tmp_path / "index")
    assert (loaded.coder.name, loaded.record.trials) == (chosen.coder, trials)
    assert loaded.info()["trials"] == built.info()["trials"]
    found, expected = (index.query_many([Item("q", vectors[0])], 5)[0] for index in (loaded, built))
    assert [hit.id for hit in found] == [hit.id for hit in expected]


@pytest.mark.usefixtures("short_training")
def test_clear_winner_is_chosen_whatever_its_position(vectors: np.ndarray) -> None:
    """One dimension with most of the variance is noise: without whitening, it alone decides who is near."""
    rows = vectors.copy()
    rows[:, 0] = np.random.default_rng(0).standard_normal(len(rows)) * 1e4
    record = Retriever.build([Item(str(n), row) for n, row in enumerate(rows)]).record
    scores = {trial.coder: trial.score or 0 for trial in record.trials}
    assert scores["pca"] < scores["pca-whitened"]
    assert not record.trials[CANDIDATES.index("pca")].is_chosen


@pytest.mark.usefixtures("short_training")
def test_too_few_items_to_hold_out_get_the_first_candidate(vectors: np.ndarray) -> None:
    record = Retriever.build([Item(str(n), row) for n, row in enumerate(vectors[:150])]).record
    assert [(trial.coder, trial.score) for trial in record.trials] == [(CANDIDATES[0], None)]
    assert record.score is None


@pytest.mark.usefixtures("short_training")
def test_linear_candidates_of_too_many_dimensions_are_left_out(vectors: np.ndarray) -> None:
    items = [Item(str(n), row[:6]) for n, row in enumerate(vectors)]
    index = Retriever.build(items, code_size=16)
    assert [trial.coder for trial in index.record.trials] == ["neighbors"]
    assert index.coder.code_size == 16


@pytest.mark.usefixtures("short_training")
@pytest.mark.parametrize("bits", [False, True])
def test_documents_are_encoded_if_they_are_many(bits: bool, table: Path, tmp_path: Path) -> None:
    built = Retriever.build(table, bits=bits)
    assert [trial.coder for trial in built.record.trials] == ["blend", "blend", "lsa"]
    [chosen] = [trial for trial in built.record.trials if trial.is_chosen]
    built.save(tmp_path / "index")
    for index in (built, Retriever.load(tmp_path / "index")):
        assert index.coder.base.name == chosen.coder
        assert (index.coder.metric == "hamming") == bits
    assert built.record.score is not None
    assert built.record.score.n_items == 52


def test_bits_of_terms_are_refused(notes: Path) -> None:
    with pytest.raises(InvalidParameter, match='bits: coder "raw"'):
        Retriever.build(notes, coder=AutoCoder(8), bits=True)


def without_seconds(trials: Iterable[Trial]) -> list[Trial]:
    return [replace(trial, seconds=0) for trial in trials]


@pytest.mark.usefixtures("short_training")
@pytest.mark.parametrize(
    ("kind", "stage", "number"),
    [
        ("vectors", "read", 4),
        ("vectors", "train", 1),
        ("vectors", "train", 2),
        ("vectors", "encode", 2),
        pytest.param("documents", "train", 1, marks=pytest.mark.slow),
        ("documents", "train", 3),  # in the second candidate
    ],
)
def test_resumed_choice_has_same_result(
    kind: str,
    stage: str,
    number: int,
    vector_file: Path,
    table: Path,
    tmp_path: Path,
    snapshot: Callable[[Retriever], tuple[Any, ...]],
    interrupt_at: Callable[[str, int], ProgressCallback],
    interrupted: type[Exception],
) -> None:
    file = vector_file if kind == "vectors" else table

    def build(workspace: Path | None, on_progress: ProgressCallback = ignore_progress) -> Retriever:
        batching = Batching(read=30, encode=64, commit_seconds=0)
        return Retriever(build_index(BuildPlan(read_files(file)), workspace, on_progress, batching))

    with pytest.raises(interrupted):
        build(tmp_path / "workspace", interrupt_at(stage, number))
    resumed, uninterrupted = build(tmp_path / "workspace"), build(None)
    assert snapshot(resumed) == snapshot(uninterrupted)
    assert without_seconds(resumed.record.trials) == without_seconds(uninterrupted.record.trials)
    assert resumed.record.score == uninterrupted.record.score
    losses = [[epoch.train_loss for epoch in index.record.epochs] for index in (resumed, uninterrupted)]
    assert losses[0] == losses[1]


@pytest.mark.usefixtures("short_training")
@pytest.mark.parametrize(("stage", "number"), [("train", 1), ("encode", 1)])
def test_resumed_build_warns_that_the_budget_ended_training(
    stage: str,
    number: int,
    vector_file: Path,
    tmp_path: Path,
    interrupt_at: Callable[[str, int], ProgressCallback],
    interrupted: type[Exception],
) -> None:
    plan = BuildPlan(read_files(vector_file), coder="neighbors", params={"budget": 1e-3})
    with pytest.raises(interrupted):
        build_index(plan, tmp_path / "workspace", interrupt_at(stage, number))
    resumed, uninterrupted = (build_index(plan, workspace) for workspace in (tmp_path / "workspace", None))
    assert "budget" in uninterrupted.record.warnings[0]
    assert resumed.record.warnings == uninterrupted.record.warnings


def test_parameters_are_checked_before_reading(notes: Path) -> None:
    with pytest.raises(InvalidParameter, match="budget is -1"):
        BuildPlan(read_files(notes), params={"budget": -1})
    with pytest.raises(InvalidParameter, match='coder "auto" has no parameter "rounds"'):
        BuildPlan(read_files(notes), params={"rounds": 2})
