"""Parsing of option values."""

from typing import Any

import pytest
import typer

from aesearch.cli.parsing import format_value, parse_assignments, parse_budget, parse_sizes, parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e-3", 1e-3),
        ("true", True),
        ("False", False),
        ("none", None),
        ("gaussian", "gaussian"),
        ("salt-and-pepper", "salt-and-pepper"),
        ("128,64", (128, 64)),
        ("128,", (128,)),
        ("none, 0.5, gray", (None, 0.5, "gray")),
        ("()", ()),
        ('{"gradients": 1.0, "colors": 0.5}', {"gradients": 1.0, "colors": 0.5}),
        ("'3'", "3"),
        ("__import__('os')", "__import__('os')"),
        ("", ""),
    ],
)
def test_parse_value_reads_literals(text: str, value: Any) -> None:
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize("text", ["(1,", "{1: }", "[__import__('os')]", "(" * 5000])
def test_parse_value_refuses_invalid_literals(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="not a valid literal"):
        parse_value(text)


@pytest.mark.parametrize("value", [3, 0.25, True, None, "mse", (1000, 500), (400,), (), (None, "a")])
def test_parse_value_reads_what_format_value_writes(value: Any) -> None:
    assert parse_value(format_value(value)) == value


def test_parse_assignments_splits_names_and_values() -> None:
    params = parse_assignments(["noise-level=0.3", "tied = true", "loss=a=b", "seed=1"], {"epochs": 2, "seed": None})
    assert params == {"noise_level": 0.3, "tied": True, "loss": "a=b", "seed": 1}


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["epochs=3"], '"epochs" is set twice'),
        (["tied=true", "tied=false"], '"tied" is set twice'),
        (["code_size=8"], '"code_size" is set by --code-size'),
        (["tied"], "not of the form NAME=VALUE"),
        (["=3"], "not of the form NAME=VALUE"),
        (["a b=3"], "not of the form NAME=VALUE"),
    ],
)
def test_parse_assignments_refuses_ambiguous_assignments(assignments: list[str], message: str) -> None:
    with pytest.raises(typer.BadParameter, match=message):
        parse_assignments(assignments, {"epochs": 2})


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("1.5s", 1.5), ("5m", 300), ("1h", 3600), (None, None)])
def test_parse_budget_returns_seconds(text: str | None, seconds: float | None) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["soon", "5d", "m", ""])
def test_parse_budget_refuses_other_text(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="90s or 5m"):
        parse_budget(text)


def test_parse_sizes_returns_integers() -> None:
    assert parse_sizes("128, 64", "--layers") == (128, 64)
    assert parse_sizes("", "--layers") == ()
    assert parse_sizes(None, "--layers") is None
    with pytest.raises(typer.BadParameter, match="128,64"):
        parse_sizes("128;64", "--layers")
