"""Coder parameters from the command line, with values checked against the documented types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aesearch.cli.param_docs import ParamDoc, describe_params
from aesearch.cli.parsing import drop_missing, format_value, parse_assignments
from aesearch.errors import InvalidParameter, UnknownName


def collect_params(coders: Iterable[str], assignments: Sequence[str] | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the coder parameters set by --set and by the options that set one parameter each.

    Parameters
    ----------
    coders : iterable of str
        Names of the coders that get the parameters.
    assignments : sequence of str, optional
        Values of --set.
    options : mapping of str to Any
        Values of the other options; None if an option was not given.

    Raises
    ------
    typer.BadParameter
        If an assignment is malformed, or a parameter is set twice.
    UnknownName, InvalidParameter
        As `convert_params`.
    """
    return drop_missing(**options) | convert_params(coders, parse_assignments(assignments or (), options))


def convert_params(coders: Iterable[str], params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with their values converted to the types that the coders document.

    Parameters
    ----------
    coders : iterable of str
        Names of the coders that get the parameters. A parameter may belong to some of them only.
    params : mapping of str to Any
        Values as `parse_value` returns them.

    Raises
    ------
    UnknownName
        If there is no such coder, or none of them has such a parameter.
    InvalidParameter
        If a value is of another type.
    """
    if not params:
        return {}
    documented: dict[str, ParamDoc] = {}
    for coder in coders:
        for param in describe_params(coder):
            documented.setdefault(param.name, param)
    for name in params:
        if name not in documented:
            raise UnknownName("parameter", name, documented)
    return {name: convert_value(documented[name], value) for name, value in params.items()}


def convert_value(param: ParamDoc, value: Any) -> Any:
    """Return a value as the documented type of a parameter; one integer for a sequence becomes a tuple.

    Raises
    ------
    InvalidParameter
        If the value is of another type.
    """
    type = param.type.removesuffix(", optional")
    if type == "sequence of int" and _is_int(value):
        value = (value,)
    if value is None:
        is_valid = type != param.type or param.default is None
    elif type == "int":
        is_valid = _is_int(value)
    elif type == "float":
        is_valid = _is_number(value)
    elif type == "bool":
        is_valid = isinstance(value, bool)
    elif type == "sequence of int":
        is_valid = isinstance(value, tuple | list) and all(map(_is_int, value))
    elif type == "mapping of str to float":
        is_valid = isinstance(value, dict) and all(isinstance(key, str) and _is_number(value[key]) for key in value)
    else:  # the names of choices are checked by the coder
        is_valid = isinstance(value, str)
    if not is_valid:
        raise InvalidParameter(
            f'parameter "{param.name}" cannot be {format_value(value)}; its type is {param.type} (--set)'
        )
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
