"""Filters, examples, order, and the choice of an index on the command line."""

import json
from pathlib import Path

from tests.cli.conftest import Cli

ROWS = [
    {"id": f"r{n}", "text": f"report number{n} about pumps and valves", "label": "ab"[n % 2], "year": 2000 + n}
    for n in range(30)
]
TABLE = "\n".join(json.dumps({**row, "to": ["x", "y"]}) for row in ROWS)


def write_table(folder: Path) -> None:
    (folder / "reports.jsonl").write_text(TABLE)


def test_table_rows_are_filtered_by_their_columns(cli: Cli, tmp_path: Path) -> None:
    write_table(tmp_path)
    index = ("--index", tmp_path / "index")
    cli.succeed("index", tmp_path / "reports.jsonl", *index, "--metadata", "year,to", "--coder", "lsa")
    hits = cli.json("query", "-t", "pumps", "--where", "year >= 2020 and label = 'a'", "--format", "json", *index)
    assert {hit["id"] for hit in hits} == {f"r{n}" for n in range(20, 30, 2)}
    assert hits[0]["metadata"]["to"] == ["x", "y"]
    assert "expected" in cli.fail("query", "-t", "pumps", "--where", "year >", *index)

    counts = {field["name"]: field for field in cli.json("stats", "--json", *index)}
    assert counts["year"]["range"] == [2000, 2029]
    assert counts["label"]["frequent"] == [["a", 15], ["b", 15]]
    assert "2000 to 2029" in cli.succeed("stats", *index).stdout

    changed = TABLE.replace('"year": 2003', '"year": 1903')
    (tmp_path / "reports.jsonl").write_text(changed)
    cli.succeed("index", tmp_path / "reports.jsonl", *index)
    hits = cli.json("query", "-t", "pumps", "--where", "year < 2000", "--format", "json", *index)
    assert [hit["id"] for hit in hits] == ["r3"]


def test_examples_and_order(cli: Cli) -> None:
    hits = cli.json("query", "--like", "threading/Thread.join.txt", "--like", "wait for a lock", "--format", "json")
    ids = [hit["id"] for hit in hits]
    assert len(ids) == 10
    assert "threading/Thread.join.txt" not in ids
    by_id = cli.json("query", "--like-id", "threading/Thread.join.txt", "--index", "indexes/notes", "--format", "json")
    assert by_id[0]["id"] != "threading/Thread.join.txt"
    by_name = cli.json("query", "-t", "thread", "--sort", "name", "--format", "json")
    assert [hit["id"] for hit in by_name] == sorted(hit["id"] for hit in by_name)
    assert "neither an id" in cli.fail("query", "--like", "nothing.png", "--index", "indexes/photos")
    assert "give either FILE" in cli.misuse("query")


def test_indexes_are_listed(cli: Cli) -> None:
    listed = cli.json("list", "--json")
    assert {entry["kind"] for entry in listed} >= {"images", "documents"}
    assert all(entry["items"] for entry in listed)
    assert "indexes/notes" in cli.succeed("list").stdout


def test_index_of_the_queried_file_is_preferred(cli: Cli, tmp_path: Path) -> None:
    note = next(Path(cli.folder, "notes").rglob("*.txt"))
    write_table(tmp_path)
    cli.succeed("index", tmp_path / "reports.jsonl", "--index", "indexes/reports", "--coder", "lsa")  # the newest
    result = cli.succeed("query", note, "-k", "1")
    assert "searching indexes/notes, which contains the file" in result.stderr
    assert "searching indexes/reports, the newest" in cli.succeed("query", "-t", "pumps", "-k", "1").stderr
