"""Parsing of option values: lists of sizes, durations, and coder parameters given with --set."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

import typer

KEYWORDS = {"true": True, "false": False, "none": None}
LITERAL_STARTS = ("(", "[", "{", "'", '"')
SECONDS_PER_UNIT = {"s": 1.0, "m": 60.0, "h": 3600.0}

OPTION_ONLY_PARAMS = {"code_size": "--code-size", "bits": "--bits", "coder": "--coder", "coders": "--coders"}
"""What looks like a coder parameter but has an option of its own, because it is more than that."""


def drop_missing(**options: Any) -> dict[str, Any]:
    """Return the options that were given on the command line: those that are not None."""
    return {name: value for name, value in options.items() if value is not None}


def parse_sizes(text: str | None, option: str) -> tuple[int, ...] | None:
    """Parse "128,64" as (128, 64).

    Raises
    ------
    typer.BadParameter
        If the text is not a list of integers; the message names `option`.
    """
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is not a comma-separated list of integers, such as 128,64', param_hint=option
        ) from None


def parse_budget(text: str | None) -> float | None:
    """Parse the value of --budget, such as "90", "90s", "5m" or "1h", as seconds.

    Raises
    ------
    typer.BadParameter
        If the text is not a duration.
    """
    if text is None:
        return None
    number, unit = (text[:-1], text[-1]) if text[-1:] in SECONDS_PER_UNIT else (text, "s")
    try:
        return float(number) * SECONDS_PER_UNIT[unit]
    except ValueError:
        raise typer.BadParameter(
            f'"{text}" is not a duration; write for example 90s or 5m', param_hint="--budget"
        ) from None


def parse_assignments(assignments: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the coder parameters set by --set, as `parse_value` reads them.

    Parameters
    ----------
    assignments : sequence of str
        Values of --set, `NAME=VALUE` each.
    options : mapping of str to Any
        Values of the options that set one parameter each; None if an option was not given.

    Raises
    ------
    typer.BadParameter
        If an assignment is malformed, or a parameter is set twice.
    """
    params: dict[str, Any] = {}
    given = drop_missing(**options)
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name.isidentifier():
            raise typer.BadParameter(f'"{assignment}" is not of the form NAME=VALUE', param_hint="--set")
        if name in OPTION_ONLY_PARAMS:
            raise typer.BadParameter(f'"{name}" is set by {OPTION_ONLY_PARAMS[name]}', param_hint="--set")
        if name in params or name in given:
            raise typer.BadParameter(f'"{name}" is set twice; set it once', param_hint="--set")
        params[name] = parse_value(text)
    return params


def parse_value(text: str) -> Any:
    """Parse the value of a parameter.

    Integers, floats, `true`, `false`, `none` and quoted or bracketed Python literals become what they say. A value with
    commas becomes a tuple: `128,64` is (128, 64), and `128,` is (128,). Everything else is a string.
    """
    text = text.strip()
    if text.startswith(LITERAL_STARTS):
        return _parse_literal(text)
    if "," in text:
        return tuple(parse_value(part) for part in text.split(",") if part.strip())
    if text.lower() in KEYWORDS:
        return KEYWORDS[text.lower()]
    for number_type in (int, float):
        try:
            return number_type(text)
        except ValueError:
            continue
    return text


def _parse_literal(text: str) -> Any:
    """Parse a Python literal; never evaluate anything."""
    try:
        return ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise typer.BadParameter(
            f"{text} is not a valid literal; check the brackets and quotes", param_hint="--set"
        ) from None


def format_value(value: Any) -> str:
    """Return a value in the notation that `parse_value` reads."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple) and value:
        return ",".join(map(format_value, value)) + ("," if len(value) == 1 else "")
    return str(value)
