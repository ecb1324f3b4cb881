"""The record of a build survives JSON."""

import json
from pathlib import Path

import pytest

from aesearch.coders.base import Epoch, Trial
from aesearch.index.record import MAX_RECENT_KEYS, AddedItems, BuildRecord, Source
from aesearch.readers.folder import read_files
from aesearch.readers.tables import TableFields
from aesearch.scoring import Score

FULL = BuildRecord(
    "documents",
    Source("/data/notes", True, TableFields("body", "key", "topic")),
    "off",
    False,
    {"read": 0.5},
    [Epoch(1, 2, 0.5, None, 1.5), Epoch(2, 2, 0.25, 0.5, 1.5, 0.75)],
    Score(0.5, (0.25, 0.75), {"5": 0.5, "10": 0.25}, 0.75, 40),
    [Trial("blend", {"rounds": 1}, 0.5, 2.5, is_chosen=True), Trial("raw", {}, None, 0.5, is_chosen=False)],
    0.25,
    [0.1, 0.5],
    4.0,
    ["a warning"],
    AddedItems(3, (1, 2, 3)),
    17,
)


@pytest.mark.parametrize("record", [FULL, BuildRecord("images")])
def test_record_survives_json(record: BuildRecord) -> None:
    assert BuildRecord.from_dict(json.loads(json.dumps(record.as_dict()))) == record


@pytest.mark.parametrize(
    "change", [{"source": []}, {"added": "x"}, {"epochs": [{"number": 1}]}, {"epochs": 5}, {"score": 0.5}, {"trials": [{}]}]
)
def test_malformed_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError)):
        BuildRecord.from_dict(FULL.as_dict() | change)


def test_record_without_a_field_is_refused() -> None:
    with pytest.raises(KeyError):
        BuildRecord.from_dict({"kind": "images"})


def test_only_recent_keys_are_recorded() -> None:
    added = AddedItems().plus(range(150)).plus(range(150, 300))
    assert added.count == 300
    assert added.recent_keys == tuple(range(300 - MAX_RECENT_KEYS, 300))


def test_source_returns_files_without_reading_them(notes: Path) -> None:
    source = Source.of(read_files(notes))
    assert (source.root, source.is_single_file) == (str(notes.resolve()), False)
    files = source.files(["threads/00.txt", "gone.txt"], "documents")
    assert list(files.paths) == ["threads/00.txt", "gone.txt"]
    assert [item.id for item in files] == ["threads/00.txt"]
