"""Documentation of coder parameters."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aesearch.catalog import CODERS
from aesearch.cli.param_docs import describe_params, parse_parameters
from aesearch.cli.parsing import parse_value
from aesearch.items import ITEM_KINDS

if TYPE_CHECKING:
    from .conftest import Cli

DOCSTRING = """Do something.

Parameters
----------
first, second : int, optional
    One line.
third : {"a", "b"}
    A paragraph
    of two lines.

    Another paragraph.
**others
    Keywords.

Returns
-------
fourth : int
    Not a parameter.
"""


def test_parse_parameters_reads_the_section() -> None:
    assert parse_parameters(DOCSTRING) == {
        "first": ("int, optional", "One line."),
        "second": ("int, optional", "One line."),
        "third": ('{"a", "b"}', "A paragraph of two lines. Another paragraph."),
        "others": ("", "Keywords."),
    }
    assert parse_parameters("Do something.") == {}


@pytest.mark.parametrize("coder", CODERS)
def test_every_parameter_has_type_default_and_description(coder: str) -> None:
    params = describe_params(coder)
    assert [param.name for param in params] == CODERS[coder].load().param_names()
    for param in params:
        assert param.type, param.name
        assert param.description.endswith("."), param.name
    instance = CODERS[coder].load()(**{param.name: param.default for param in params})
    assert set(instance.get_params()) <= {param.name for param in params}


def test_defaults_are_those_of_the_catalog_entry() -> None:
    defaults = {param.name: param.default for param in describe_params("regularized")}
    assert (defaults["tied"], defaults["weight_decay"]) == (True, 0.01)
    assert defaults["seed"] == 0


def test_coders_lists_all_coders_in_80_columns(tmp_cli: Cli) -> None:
    lines = tmp_cli.succeed("coders").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == list(CODERS)
    assert max(map(len, lines)) <= 80
    listed = tmp_cli.json("coders", "--json")
    assert [facts["name"] for facts in listed] == list(CODERS)
    assert [facts["name"] for facts in listed if facts["default_for"] == list(ITEM_KINDS)] == ["auto"]


@pytest.mark.parametrize("coder", ["pca-whitened", "neighbors", "masked"])
def test_coders_lists_the_parameters_of_one_coder(tmp_cli: Cli, coder: str) -> None:
    text = tmp_cli.succeed("coders", coder).stdout
    assert max(map(len, text.splitlines())) <= 80
    facts = tmp_cli.json("coders", coder, "--json")
    assert set(facts) == {"name", "kinds", "default_for", "summary", "params"}
    for param in facts["params"]:
        assignment = next(line for line in text.splitlines() if line.startswith(f"{param['name']}="))
        default = parse_value(assignment.partition("=")[2])
        assert default == (tuple(param["default"]) if isinstance(param["default"], list) else param["default"])


def test_parameters_of_a_baseline_load_no_torch() -> None:
    script = "import sys; from aesearch.cli.main import run; run(['coders', 'lsa']); print('torch' in sys.modules)"
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert output.splitlines()[-1] == "False"
