"""Coder parameters from the command line."""

from typing import Any

import pytest

from aesearch.catalog import CODERS
from aesearch.cli.param_docs import ParamDoc, describe_params
from aesearch.cli.param_types import collect_params, convert_value
from aesearch.errors import InvalidParameter, UnknownName

VALUES: dict[str, tuple[list[Any], list[Any]]] = {  # by type: valid values, invalid values
    "int": ([1, -1], [True, 1.5, "a", (1,)]),
    "float": ([1, 0.5], [True, "a", (0.5,)]),
    "bool": ([True, False], [1, "yes"]),
    "sequence of int": ([(), (1, 2), [3]], [1.5, "a", ("a",), (True,)]),
    "mapping of str to float": ([{}, {"a": 1}], ["a", {"a": "b"}, {1: 1}]),
    '{"a", "b"}': (["a", "other"], [1, True, ("a",)]),
}


@pytest.mark.parametrize("coder", CODERS)
def test_every_documented_type_is_known_and_every_default_valid(coder: str) -> None:
    for param in describe_params(coder):
        type = param.type.removesuffix(", optional")
        assert type in VALUES or (type.startswith('{"') and type.endswith('"}')), param.name
        assert convert_value(param, param.default) == param.default


@pytest.mark.parametrize("type", VALUES)
def test_convert_value_accepts_values_of_the_type_only(type: str) -> None:
    valid, invalid = VALUES[type]
    param = ParamDoc("size", type, valid[0], "Description.")
    assert [convert_value(param, value) for value in valid] == valid
    for value in (*invalid, None):
        with pytest.raises(InvalidParameter, match='parameter "size" cannot be '):
            convert_value(param, value)
    assert convert_value(ParamDoc("size", f"{type}, optional", valid[0], "Description."), None) is None


def test_one_integer_is_a_sequence() -> None:
    assert collect_params(["dense"], ["layers=128"], {}) == {"layers": (128,)}


def test_options_and_assignments_are_merged() -> None:
    params = collect_params(["dense"], ["noise-level=0.3", "tied=true"], {"epochs": 2, "seed": None})
    assert params == {"epochs": 2, "noise_level": 0.3, "tied": True}


def test_parameter_of_one_of_several_coders_is_accepted() -> None:
    assert collect_params(["pca", "neighbors"], ["rounds=2"], {}) == {"rounds": 2}
    with pytest.raises(UnknownName, match='unknown parameter "rounds"'):
        collect_params(["pca"], ["rounds=2"], {})
