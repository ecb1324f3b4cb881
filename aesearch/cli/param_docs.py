"""Documentation of coder parameters, taken from the numpydoc sections of docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aesearch.catalog import CODERS, lookup
from aesearch.cli.parsing import format_value

SECTION = "Parameters"


@dataclass(frozen=True)
class ParamDoc:
    """One parameter of a coder.

    Parameters
    ----------
    name : str
    type : str
        As documented, such as "int" or "sequence of int, optional".
    default : Any
        Value that the coder's catalog entry, or the constructor, uses.
    description : str
        One paragraph.
    """

    name: str
    type: str
    default: Any
    description: str

    def as_dict(self) -> dict[str, Any]:
        """Return the parameter as `aesearch coders NAME --json` prints it."""
        return {"name": self.name, "type": self.type, "default": self.default, "description": self.description}

    @property
    def assignment(self) -> str:
        """The parameter with its default, in the notation of --set."""
        return f"{self.name}={format_value(self.default)}"


def describe_params(coder: str) -> list[ParamDoc]:
    """Return the parameters of a coder.

    Imports PyTorch only for a coder that uses it.

    Raises
    ------
    UnknownName
        If there is no such coder.
    """
    entry = lookup(CODERS, "coder", coder)
    documented: dict[str, tuple[str, str]] = {}
    defaults: dict[str, Any] = {}
    coder_class = entry.load()
    for owner in _documented_classes(coder_class):
        for name, text in parse_parameters(inspect.getdoc(owner) or "").items():
            documented.setdefault(name, text)
        for name, parameter in inspect.signature(owner).parameters.items():
            if parameter.default is not parameter.empty:
                defaults.setdefault(name, parameter.default)
    defaults |= entry.params
    return [
        ParamDoc(name, documented.get(name, ("", ""))[0], defaults.get(name), documented.get(name, ("", ""))[1])
        for name in coder_class.param_names()
    ]


def _documented_classes(coder_class: type) -> Iterator[type]:
    """Yield the classes that document the parameters of a coder: itself, its base classes, and TrainingConfig."""
    from aesearch.coders.base import Coder

    yield from (base for base in coder_class.__mro__ if issubclass(base, Coder) and base is not Coder)
    if coder_class.__module__.startswith("aesearch.autoencoders."):
        from aesearch.autoencoders.training import TrainingConfig

        yield TrainingConfig


def parse_parameters(docstring: str) -> dict[str, tuple[str, str]]:
    """Return type and description of each parameter in the Parameters section of a numpydoc docstring.

    Parameters
    ----------
    docstring : str
        Without common indentation, as `inspect.getdoc` returns it. `first, second : type` documents two parameters.
    """
    params: dict[str, tuple[str, str]] = {}
    names: list[str] = []
    for line in _section_lines(docstring.splitlines()):
        if line and not line[0].isspace():
            heading, _, type = line.partition(" : ")
            names = [name.strip().lstrip("*") for name in heading.split(",")]
            params |= dict.fromkeys(names, (type.strip(), ""))
        else:
            for name in names:
                type, description = params[name]
                params[name] = (type, f"{description} {line.strip()}".strip())
    return params


def _section_lines(lines: list[str]) -> Iterator[str]:
    """Yield the lines of the Parameters section."""
    is_inside = False
    for number, line in enumerate(lines):
        underline = lines[number + 1] if number + 1 < len(lines) else ""
        if line and underline and set(underline.strip()) == {"-"}:
            is_inside = line.strip() == SECTION
        elif is_inside and set(line.strip()) != {"-"}:
            yield line
