"""The demo runs through, on data that ships with the dependencies, and its autoencoders find what they should."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_demo_indexes_asks_compares_and_names_the_next_commands(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "aesearch.cli"]
    done = subprocess.run([*command, "demo"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "1,797 handwritten digits" in done.stdout
    rows = {tuple(line.split()[:2]): line.split() for line in done.stdout.splitlines() if len(line.split()) == 8}
    assert float(rows["digits", "neighbors"][3]) > 0.9
    for collection, baseline in (("digits", "pca"), ("documentation", "lsa")):
        learned, flat = rows[collection, "neighbors"], rows[collection, baseline]
        assert float(learned[5]) > float(flat[5]), "the autoencoder must find more of the query's kind than the baseline"
        assert float(learned[6]) > float(flat[6]), "and its agreement, which needs no label, must say so"
    tried = next(line for line in done.stdout.splitlines() if line.strip().startswith("aesearch query aesearch-demo"))
    again = subprocess.run([*command, *tried.split()[1:], "--format", "json"], cwd=tmp_path, capture_output=True, text=True)
    assert [hit["label"] for hit in json.loads(again.stdout)].count("3") >= 7


def test_it_does_not_write_among_other_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    command = [sys.executable, "-m", "aesearch.cli", "demo", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "mine.txt" in done.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "mine.txt"]
