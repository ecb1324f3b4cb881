"""The demo runs on data that ships with the dependencies."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aesearch.cli import demo

if TYPE_CHECKING:
    from .conftest import Cli


def check_output(cli: Cli, output: str) -> None:
    """Check what every run of the demo prints, and that its first proposed command works."""
    assert "1,797 handwritten digits in aesearch-demo/digits" in output
    assert 'The documentation most similar to the text "parse a date":' in output
    proposed = next(line for line in output.splitlines() if line.startswith("  aesearch query aesearch-demo"))
    hits = cli.json(*shlex.split(proposed)[1:], "--format", "json")
    assert [hit["label"] for hit in hits].count("3") >= 7


def test_demo_indexes_queries_and_evaluates(tmp_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = (("digits", "digits", "pca", 8), ("documentation", "documentation", "lsa", 32))
    monkeypatch.setattr(demo, "INDEXES", fast)
    check_output(tmp_cli, tmp_cli.succeed("demo").stdout)


@pytest.mark.slow
def test_autoencoders_of_the_demo_beat_the_baselines(tmp_cli: Cli) -> None:
    output = tmp_cli.succeed("demo").stdout
    check_output(tmp_cli, output)
    rows = {tuple(line.split()[:2]): line.split() for line in output.splitlines() if len(line.split()) == 8}
    assert float(rows["digits", "neighbors"][3]) > 0.9
    for collection, baseline in (("digits", "pca"), ("documentation", "lsa")):
        autoencoder = rows[collection, "neighbors"]
        for measure in (5, 6):  # mean average precision; the score, which needs no labels
            assert float(autoencoder[measure]) > float(rows[collection, baseline][measure])


def test_demo_does_not_write_among_other_files(tmp_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert "mine.txt" in tmp_cli.fail("demo", "--folder", tmp_path)
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.txt"]
