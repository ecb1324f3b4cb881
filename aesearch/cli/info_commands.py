"""The commands that show information: info, verify, doctor, coders; and the demo."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aesearch.catalog import CODERS, DEFAULT_CODERS, lookup
from aesearch.cli.options import IndexOption, JsonOption, choose_index, complete_from
from aesearch.cli.output import (
    count_items,
    describe_drift,
    describe_score,
    escape,
    format_bytes,
    print_json,
    print_table,
    print_wrapped,
    print_wrapped_table,
)
from aesearch.cli.parsing import format_value
from aesearch.cli.progress import describe_result
from aesearch.errors import AesearchError, count
from aesearch.items import ITEM_KINDS

if TYPE_CHECKING:
    from aesearch.index.field_counts import FieldCounts

PARAMS_HINT = "Parameters and their defaults follow. Set code_size with --code-size, and the others with --set NAME=VALUE."


MAX_LISTED_VALUES = 5
"""Values of a field that `aesearch stats` lists."""

MAX_FILE_WARNINGS = 3
"""Files read in part that are named by `aesearch info`."""


def info(index: IndexOption = None, json: JsonOption = False) -> None:
    """Show the content of an index and how it was built."""
    from aesearch.analysis.drift import measure_drift
    from aesearch.index.retriever import Retriever

    folder = choose_index(index)
    retriever = Retriever.load(folder)
    facts = retriever.info() | {"index": str(folder)}
    drift = measure_drift(retriever)
    facts["drift"] = None if drift is None else asdict(drift)
    if warning := describe_drift(drift):
        facts["warnings"] = [*facts["warnings"], warning]
    if json:
        print_json(facts)
    else:
        _print_facts(facts)


def list_indexes(json: JsonOption = False) -> None:
    """List all indexes: of this project, then of AESEARCH_HOME."""
    from aesearch.index.locations import list_indexes, read_summary

    summaries = [read_summary(folder) for folder in list_indexes()]
    if json:
        print_json(summaries)
        return
    rows = [[entry[name] for name in ("index", "kind", "items", "source", "changed")] for entry in summaries]
    print_table(("index", "kind", "items", "source", "changed"), rows)


def stats(index: IndexOption = None, json: JsonOption = False) -> None:
    """Count the values of labels and metadata (query --where)."""
    from aesearch.index.retriever import Retriever

    fields = Retriever.load(choose_index(index)).count_values()
    if json:
        print_json([asdict(field) for field in fields])
        return
    rows = [(field.name, field.n_items, field.n_values, _describe_values(field)) for field in fields]
    print_table(("field", "items", "values", "most frequent, or range"), rows)


def _describe_values(field: FieldCounts) -> str:
    """Return the range of a field of numbers, or its most frequent values with their numbers of items."""
    if field.range is not None and field.n_values > MAX_LISTED_VALUES:
        return f"{field.range[0]} to {field.range[1]}"
    listed = [f"{value} ({number:,})" for value, number in field.frequent[:MAX_LISTED_VALUES]]
    return ", ".join(listed) + (", ..." if field.n_values > MAX_LISTED_VALUES else "")


def _print_facts(facts: dict[str, Any]) -> None:
    """Print what an index holds and how it was built as a table."""
    added = facts["added_since_training"]
    params = ", ".join(f"{name}={format_value(value)}" for name, value in facts["params"].items() if value is not None)
    rows = [
        ("index", facts["index"]),
        ("kind", facts["kind"]),
        ("items", f"{facts['items']:,}" + (f" ({added:,} added since training)" if added else "")),
        ("skipped", f"{facts['skipped']:,}"),
        *_describe_file_warnings(facts["file_warnings"]),
        ("source", facts["source"]),
        ("features", f"{facts['features']}, {' x '.join(map(str, facts['shape']))}"),
        ("coder", facts["coder"]),
        ("parameters", params),
        ("code size", count(facts["code_size"], "bit" if facts["bits"] else "dimension")),
        ("bytes per item", f"{facts['bytes_per_item']:,.0f}"),
        ("store", facts["store"]),
        ("metric", facts["metric"]),
        ("training", _describe_training(facts)),
        ("label-free score", describe_score(facts["score"])),
        *_describe_trials(facts["trials"]),
        *(("warning", warning) for warning in facts["warnings"]),
        ("size on disk", format_bytes(facts["bytes_on_disk"])),
    ]
    print_table(("property", "value"), rows)


def _describe_file_warnings(warnings: dict[str, str]) -> list[tuple[str, str]]:
    """Return the rows about files that were read in part: how many, and the first few."""
    if not warnings:
        return []
    named = [("", f"{path}: {reason}") for path, reason in islice(warnings.items(), MAX_FILE_WARNINGS)]
    more = [("", "...; --json lists them all")] if len(warnings) > MAX_FILE_WARNINGS else []
    return [("read in part", f"{len(warnings):,}"), *named, *more]


def _describe_trials(trials: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the row about the coders among which the best was chosen, if there were several."""
    if len(trials) < 2:
        return []
    parts = [
        _name_trial(trial)
        + ("" if trial["score"] is None else f" {trial['score']:.3f}")
        + (" (chosen)" if trial["is_chosen"] else "")
        for trial in trials
    ]
    return [("coders tried", ", ".join(parts))]


def _name_trial(trial: dict[str, Any]) -> str:
    params = " ".join(f"{name}={value}" for name, value in trial["params"].items())
    return " ".join(filter(None, (trial["coder"], params)))


def _describe_training(facts: dict[str, Any]) -> str:
    """Return the duration and the last result of the training in words."""
    from aesearch.coders.base import Epoch

    seconds = f"{facts['seconds'].get('train', 0):.0f} s"
    if not facts["epochs"]:
        return f"{seconds}, without epochs"
    last = Epoch(**facts["epochs"][-1])
    return f"{seconds}, {count(len(facts['epochs']), last.unit)}, at last {describe_result(last)}"


def verify(index: IndexOption = None) -> None:
    """Check the integrity of an index.

    Every file is compared with its checksum, and the codes with the items.
    """
    from aesearch.index.retriever import Retriever

    folder = choose_index(index)
    retriever = Retriever.load(folder)
    retriever.verify()
    typer.echo(f"{escape(folder)} is intact: {count_items(len(retriever), retriever.kind)}")


def doctor(index: IndexOption = None, json: JsonOption = False) -> None:
    """Diagnose problems of the installation or of an index.

    Show versions, optional extras and thread settings, whether the index is intact, and what "aesearch index" would update.
    """
    from aesearch.analysis.health import check_health

    try:
        folder = choose_index(index)
    except AesearchError as error:
        facts = check_health(None) | {"index": str(error)}
    else:
        facts = check_health(folder)
    if json:
        print_json(facts)
    else:
        print_table(("property", "value"), [(name.replace("_", " "), str(value)) for name, value in facts.items()])


def coders(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Coder whose parameters are listed.",
            show_default=False,
            autocompletion=complete_from(CODERS),
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List the coders, or the parameters of one coder.

    Choose a coder with --coder, and set its parameters with --set NAME=VALUE.
    """
    if name is not None:
        _list_params(name, json)
    elif json:
        print_json([_coder_facts(name) for name in CODERS])
    else:
        rows = [
            (
                f"{name} (default)" if name in DEFAULT_CODERS.values() else name,
                "all" if entry.kinds == ITEM_KINDS else ", ".join(entry.kinds),
                entry.summary,
            )
            for name, entry in CODERS.items()
        ]
        print_wrapped_table(("coder", "kinds", "summary"), rows)


def _coder_facts(name: str) -> dict[str, Any]:
    """Return a coder as `aesearch coders --json` prints it."""
    entry = lookup(CODERS, "coder", name)
    default_for = [kind for kind, default in DEFAULT_CODERS.items() if default == name]
    return {"name": name, "kinds": list(entry.kinds), "default_for": default_for, "summary": entry.summary}


def _list_params(coder: str, as_json: bool) -> None:
    from aesearch.cli.param_docs import describe_params

    params = describe_params(coder)
    if as_json:
        print_json(_coder_facts(coder) | {"params": [param.as_dict() for param in params]})
        return
    print_wrapped(f"{coder}: {CODERS[coder].summary}")
    print()
    print_wrapped(PARAMS_HINT if params else "This coder has no parameters.")
    for param in params:
        print(f"\n{param.assignment}")
        print_wrapped(f"({param.type}) {param.description}", indent=4)


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Folder to write the example data to; created if it does not exist.")
    ] = Path("aesearch-demo"),
) -> None:
    """Try aesearch on example data.

    Index handwritten digits and Python's own documentation, query them, and compare the results with PCA and LSA. The data
    come with the dependencies; nothing is downloaded.
    """
    from aesearch.cli.demo import run_demo

    run_demo(folder)
