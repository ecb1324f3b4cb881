"""The commands that measure how well coders work: evaluate and compare."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .conftest import Cli

COMPARE = ("compare", "photos", "--coders", "dense,pca", "--code-size", "4,8", "--epochs", "1")


def test_evaluate_prints_the_measures(cli: Cli) -> None:
    measures = cli.json("evaluate", "--queries", "more", "--k", "1,5", "--json")
    labeled = {"precision", "macro_precision", "map@1000"}
    assert set(measures) == labeled | {"queries", "score", "reconstruction_sse", "queries_per_second"}
    assert set(measures["precision"]) == {"1", "5"}
    assert measures["precision"]["1"] > 0.8  # of three digits, the nearest is nearly always the same one
    assert measures["reconstruction_sse"] > 0
    table = cli.succeed("evaluate", "--queries", "more").stdout
    for name in ("1-NN accuracy", "mean average precision", "reconstruction error", "label-free score", "mean over labels"):
        assert name in table


def test_evaluate_without_labels_measures_the_score(cli: Cli, tmp_path: Path) -> None:
    for number, path in enumerate(sorted((cli.folder / "more").rglob("*.png"))):
        shutil.copy(path, tmp_path / f"{number}.png")
    measures = cli.json("evaluate", "--queries", tmp_path, "--json")
    assert (measures["precision"], measures["map@1000"]) == ({}, None)
    assert 0 < measures["score"]["value"] < 1


def test_compare_prints_json_and_writes_a_report(cli: Cli, tmp_path: Path) -> None:
    entries = cli.json(*COMPARE, "--queries", "more", "--format", "json", "--report", tmp_path / "report")
    expected = {(coder, code_size) for coder in ("dense", "pca") for code_size in (4, 8)}
    assert {(entry["coder"], entry["code_size"]) for entry in entries} == expected
    assert entries[0]["is_best"]
    assert "<canvas" in (tmp_path / "report" / "index.html").read_text()


def test_compare_holds_out_queries_and_marks_the_best(cli: Cli) -> None:
    result = cli.succeed("compare", "photos", "--coders", "pca,raw", "--code-size", "8")
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("*")
    assert "training pca 8" in result.stderr
    assert "not indexed: 1 other kind" in result.stderr


def test_compare_handles_tables_without_labels(tmp_cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"{n},word{n % 7} word{n % 5} word{n % 3}\n" for n in range(150))
    (tmp_path / "notes.csv").write_text(f"id,text\n{rows}")
    options = ("--coders", "lsa", "--code-size", "2", "--report", "report", "--format", "csv")
    lines = tmp_cli.succeed("compare", "notes.csv", *options).stdout.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["coder", "lsa 2"]
    assert "<mark>" in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.parametrize("option", [("--seed", "1"), ("--set", "seed=1")])
def test_compare_sets_parameters_of_every_coder(option: tuple[str, str], cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    received = {}

    def compare(items: object, queries: object, **params: object) -> list[object]:
        received.update(params)
        return []

    monkeypatch.setattr("aesearch.analysis.comparison.compare", compare)
    assert cli.json("compare", "photos", *option, "--bits", "--format", "json") == []
    assert (received["seed"], received["bits"], received["code_sizes"]) == (1, True, (None,))
