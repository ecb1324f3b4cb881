"""The commands that show information: info, verify, doctor."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Cli


def test_info_describes_the_build(cli: Cli) -> None:
    facts = cli.json("info", "--index", "indexes/photos", "--json")
    assert (facts["index"], facts["kind"], facts["metric"], facts["store"]) == (
        "indexes/photos",
        "images",
        "cosine",
        "flat",
    )
    assert facts["params"]["rounds"] == 2
    assert len(facts["epochs"]) == 2
    assert facts["bytes_on_disk"] > 10_000
    assert 0 < facts["score"]["value"] < 1
    assert facts["drift"] is None
    table = cli.succeed("info", "--index", "indexes/photos").stdout
    for part in (
        "neighbors",
        "steps_per_round=50",
        " s, 2 rounds, at last loss ",
        "two halves of ",
        "32 dimensions",
    ):
        assert part in table
    assert "without epochs" in cli.succeed("info", "--index", "indexes/notes").stdout


def test_verify_finds_a_changed_byte(cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(cli.folder / "indexes" / "notes", tmp_path / "i")
    index = ("--index", tmp_path / "i")
    assert cli.succeed("verify", *index).stdout == f"{tmp_path / 'i'} is intact: 80 documents\n"
    store = next((tmp_path / "i").glob("store/*"))
    store.write_bytes(store.read_bytes()[:-1] + b"?")
    assert store.name in cli.fail("verify", *index)
    assert store.name in cli.json("doctor", *index, "--json")["error"]


def test_doctor_describes_index_and_pending_update(cli: Cli) -> None:
    facts = cli.json("doctor", "--index", "indexes/notes", "--json")
    assert facts["loads"].startswith("yes, 80 documents")
    assert facts["pending_update"] == "0 new, 0 changed and 0 removed files"
    assert "pending update" in cli.succeed("doctor", "--index", "indexes/notes").stdout


def test_doctor_works_without_an_index(tmp_cli: Cli) -> None:
    facts = tmp_cli.json("doctor", "--json")
    assert "no index" in facts["index"]
    assert facts["torch"]
