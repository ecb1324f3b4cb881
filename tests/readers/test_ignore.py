"""Patterns in the syntax of .gitignore, compared with git itself, and their use by the walk and by updates."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from aesearch.errors import InvalidParameter
from aesearch.index.record import Source
from aesearch.items import Skip, SkipCategory
from aesearch.readers.folder import read_files
from aesearch.readers.ignore import IGNORE_FILE, Globs, compile_patterns, find_match

PATTERNS = [
    "*.log",
    "!keep.log",
    "/top.txt",
    "drafts/",
    "docs/*.txt",
    "docs/**/deep.txt",
    "**/any.md",
    "build/**",
    "a?c",
    "x[0-9]y",
    "x[!0-9]z",
    "\\#hash",
    "\\!mark",
    "trail\\ ",
    "spaces   ",
    "# comment",
    "",
    "mid*dle*.t",
    "sub/only",
    "a**b",
    "[]]b",
    "[a-",
    "foo/**/**/bar",
    "*.[oa]",
    "q\\*q",
]
PATHS = [
    "a.log", "sub/b.log", "keep.log", "sub/keep.log", "top.txt", "sub/top.txt", "drafts/x", "sub/drafts/y", "docs/a.txt",
    "docs/sub/a.txt", "docs/deep.txt", "docs/p/q/deep.txt", "any.md", "p/q/any.md", "build/x/y", "sub/build/x", "abc", "ac",
    "a-c/file", "x5y", "xay", "xaz", "x5z", "#hash", "!mark", "trail ", "trail", "spaces", "# comment", "midXdleY.t",
    "middle.t", "middle.tt", "sub/only", "p/sub/only", "aXXb", "ab", "]b", "[a-", "foo/bar", "foo/1/2/bar", "lib.o",
    "lib.a", "lib.c", "q*q", "qxq", "größe.log", "new\nline.log",
]  # fmt: skip


def is_ignored(patterns: list[str], path: str) -> bool:
    """Return whether the patterns exclude a file, or one of the folders above it."""
    return Globs((), patterns).reason_in_tree(path) is not None


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_patterns_match_as_in_git(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("\n".join(PATTERNS))
    command = ["git", "-C", str(tmp_path), "check-ignore", "-z", "--stdin", "--no-index"]
    done = subprocess.run(command, input="\0".join(PATHS).encode(), capture_output=True, check=False)
    expected = set(done.stdout.decode().split("\0")) - {""}
    assert len(expected) > 20
    assert {path for path in PATHS if is_ignored(PATTERNS, path)} == expected


@pytest.mark.parametrize("pattern", ["*a" * 60 + "b", "**/" * 3 + "*a*a*a*a*a*b", "[" * 500, "?*" * 60, "\\"])
def test_hostile_pattern_takes_no_time(pattern: str) -> None:
    patterns = compile_patterns([pattern])
    path = "/".join(["a" * 200] * 10)
    start = time.perf_counter()
    find_match(patterns, path, is_folder=False)
    assert time.perf_counter() - start < 1


def test_pattern_with_many_wildcards_for_folders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match='more than 3 "\\*\\*"; use a simpler one'):
        read_files(tmp_path, exclude=["**/a/**/b/**/c/**"])


def touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text")


def reasons(skipped: dict[str, Skip]) -> dict[str, str]:
    return {path: skip.reason for path, skip in skipped.items() if skip.category is SkipCategory.EXCLUDED}


def test_ignore_files_exclude_in_their_folders(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.log", "drafts/c.txt", "sub/d.log", "sub/e.log", "sub/f.txt", "sub/g/f.txt", "other/f.txt")
    (tmp_path / IGNORE_FILE).write_text("*.log\ndrafts/\n")
    (tmp_path / "sub" / IGNORE_FILE).write_text("!e.log\n/f.txt\n")
    files = read_files(tmp_path)
    assert list(files.paths) == ["a.txt", "other/f.txt", "sub/e.log", "sub/g/f.txt"]
    assert reasons(files.skipped) == {
        "b.log": 'it matches "*.log" in .aesearchignore',
        "drafts": 'it matches "drafts/" in .aesearchignore',
        "sub/d.log": 'it matches "*.log" in .aesearchignore',
        "sub/f.txt": 'it matches "/f.txt" in sub/.aesearchignore',
    }
    assert files.skipped["drafts"].category.is_expected


@pytest.mark.parametrize("content", [b"\xff\xfe\xff", b"**/a/**/b/**/c/**"])
def test_folder_with_an_unreadable_ignore_file_is_not_read(content: bytes, tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "sub/secret.txt")
    (tmp_path / "sub" / IGNORE_FILE).write_bytes(content)
    files = read_files(tmp_path)
    assert list(files.paths) == ["a.txt"]
    assert ".aesearchignore cannot be read" in files.inaccessible["sub"]
    (tmp_path / "sub" / IGNORE_FILE).write_bytes(b"")
    assert "sub/secret.txt" in read_files(tmp_path).paths


def test_include_and_exclude_choose_files(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.md", "reports/c.txt", "reports/old/d.txt", "notes/e.md")
    files = read_files(tmp_path, include=["*.md", "reports/"], exclude=["old/"])
    assert list(files.paths) == ["b.md", "notes/e.md", "reports/c.txt"]
    assert reasons(files.skipped) == {
        "a.txt": "it matches none of the patterns of --include",
        "reports/old": 'it matches "old/" (--exclude)',
    }
    assert (files.include, files.exclude) == (("*.md", "reports/"), ("old/",))


def test_patterns_are_applied_to_files_that_are_already_found(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt", "b.md", "reports/c.txt", "reports/old/d.txt", "notes/e.md")
    expected = read_files(tmp_path, include=["*.md", "reports/"], exclude=["old/"])
    files = read_files(tmp_path).with_patterns(expected.include, expected.exclude)
    assert files.paths == expected.paths
    assert set(reasons(files.skipped)) == {"a.txt", "reports/old/d.txt"}


def test_source_keeps_the_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "a.txt")
    source = Source.of(read_files(tmp_path, include=["*.txt"], exclude=["old/"]))
    stored = {"root": source.root, "is_single_file": False, "fields": {}, "include": ["*.txt"], "exclude": ["old/"]}
    assert Source.from_dict(stored) == source
    del stored["include"], stored["exclude"]
    assert Source.from_dict(stored).include == ()
