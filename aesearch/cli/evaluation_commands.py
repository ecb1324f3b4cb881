"""The commands that measure how well coders work: evaluate and compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aesearch.catalog import CODERS
from aesearch.cli import options
from aesearch.cli.options import IndexOption, JsonOption, choose_index, table_fields
from aesearch.cli.output import (
    describe_score,
    escape,
    print_csv,
    print_json,
    print_status,
    print_table,
    print_unread,
)
from aesearch.cli.output_files import PAGE_ENDINGS, output_path
from aesearch.cli.param_types import collect_params
from aesearch.cli.parsing import parse_sizes

if TYPE_CHECKING:
    from aesearch.analysis.comparison import ComparisonEntry
    from aesearch.items import ItemCollection

REPORT_PAGE = "index.html"
"""Name of the report in its folder."""

QueriesOption = Annotated[
    Path | None,
    typer.Option("--queries", show_default=False, help="Items to query with.  [default: every fifth item of PATH]"),
]
CodersOption = Annotated[
    str | None,
    typer.Option(
        "--coders",
        show_default=False,
        metavar="NAMES",
        help="Coders, such as neighbors,dense,pca.  [default: the default coder, dense, and the baselines]",
    ),
]
CodeSizesOption = Annotated[
    str | None,
    typer.Option(
        "--code-size",
        show_default=False,
        metavar="SIZES",
        help="One or more code sizes, such as 16,64.  [default: up to 64]",
    ),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", show_default=False, help="Folder to write an HTML report to.")
]


def evaluate(
    queries: Annotated[
        Path,
        typer.Option(
            "--queries", help="Labeled items that are not in the index: a folder with one subfolder per label, or a table."
        ),
    ],
    index: IndexOption = None,
    k: Annotated[str, typer.Option("--k", help="Numbers of neighbors to compute the precision at.")] = "1,10,100",
    kind: options.KindOption = None,
    text_field: options.TextFieldOption = None,
    id_field: options.IdFieldOption = None,
    label_field: options.LabelFieldOption = None,
    label_separator: options.LabelSeparatorOption = None,
    encoding: options.EncodingOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how well an index finds items with the same label.

    Precision at 1 is the accuracy of a 1-nearest-neighbor classifier. If no query has a label, only the label-free score is
    measured: the share of neighbors that two halves of a query (half of its words each, or two random crops) have in
    common. The reconstruction error needs the whole autoencoder, so this command loads PyTorch.
    """
    from aesearch.analysis.evaluation import evaluate as evaluate_index
    from aesearch.index.retriever import Retriever
    from aesearch.readers.folder import read_files

    ks = parse_sizes(k, "--k") or ()
    files = read_files(queries, kind=kind, encoding=encoding)
    retriever = Retriever.load(choose_index(index, files.kind), encoder_only=False)
    source = retriever.record.source
    fields = table_fields(text_field, id_field, label_field, label_separator, default=source.fields if source else None)
    files = replace(files, fields=fields, encoding=encoding or (source.encoding if source else None))
    evaluation = evaluate_index(retriever, files, ks)
    print_unread(files)
    if json:
        print_json(evaluation.as_dict())
    else:
        _print_measures(evaluation.as_dict())


def _print_measures(measures: dict[str, Any]) -> None:
    """Print the result of an evaluation as a table."""
    rows = [("queries", f"{measures['queries']:,}")]
    for k, precision in measures["precision"].items():
        rows.append((f"precision at {k}" + (" (1-NN accuracy)" if k == "1" else ""), f"{precision:.4f}"))
    for k, precision in measures["macro_precision"].items():
        rows.append((f"precision at {k}, mean over labels", f"{precision:.4f}"))
    if measures["map@1000"] is not None:
        rows.append(("mean average precision at 1000", f"{measures['map@1000']:.4f}"))
    if measures["reconstruction_sse"] is not None:
        rows.append(("reconstruction error (SSE per item)", f"{measures['reconstruction_sse']:.4f}"))
    if measures["score"] is not None:
        rows.append(("label-free score", describe_score(measures["score"])))
    rows.append(("queries per second", f"{measures['queries_per_second']:,.0f}"))
    print_table(("measure", "value"), rows)


def compare(
    path: options.PathArgument,
    queries: QueriesOption = None,
    coders: CodersOption = None,
    code_size: CodeSizesOption = None,
    bits: options.BitsOption = None,
    set_: options.SetOption = None,
    epochs: options.EpochsOption = None,
    rounds: options.RoundsOption = None,
    seed: options.SeedOption = None,
    report: ReportOption = None,
    format: options.FormatOption = "table",
    kind: options.KindOption = None,
    text_field: options.TextFieldOption = None,
    id_field: options.IdFieldOption = None,
    label_field: options.LabelFieldOption = None,
    label_separator: options.LabelSeparatorOption = None,
    encoding: options.EncodingOption = None,
) -> None:
    """Compare coders on the items in PATH, with or without labels.

    Every coder is trained, and then queried with items that it has not seen. A star marks the best coder and those not
    significantly worse. No index is saved. The report shows all measures, curves, maps, and hits of each coder. A training
    parameter applies to every coder that has it.
    """
    from aesearch.analysis.comparison import compare as compare_coders
    from aesearch.analysis.comparison import hold_out_queries
    from aesearch.readers.folder import read_files

    inputs = [path] if queries is None else [path, queries]
    page = report and output_path(report / REPORT_PAGE, PAGE_ENDINGS, "--report", inputs)
    names = coders.split(",") if coders else None
    params = collect_params(names or CODERS, set_, {"epochs": epochs, "rounds": rounds, "seed": seed})
    read = partial(read_files, fields=table_fields(text_field, id_field, label_field, label_separator), encoding=encoding)
    files = read(path, kind=kind)
    separate = None if queries is None else read(queries, kind=files.kind)
    database, query_items = hold_out_queries(files) if separate is None else (files, separate)
    entries = compare_coders(
        database,
        query_items,
        coders=names,
        code_sizes=parse_sizes(code_size, "--code-size") or (None,),
        bits=bool(bits),
        on_build=lambda name: print_status(f"training {name}"),
        **params,
    )
    print_unread(files, separate)
    _print_comparison(entries, format)
    if page:
        _write_report(page, entries, database, query_items, path)


def _write_report(
    page: Path, entries: Sequence[ComparisonEntry], database: ItemCollection, queries: ItemCollection, path: Path
) -> None:
    from aesearch.report.comparison_page import render_comparison_page
    from aesearch.report.html import write_page

    title = f"Comparison of coders on {path.resolve().name}"
    write_page(page, render_comparison_page(entries, database, queries, title))
    print_status(f"wrote {escape(page)}")


def _print_comparison(entries: Sequence[ComparisonEntry], format: str) -> None:
    from aesearch.analysis.comparison import COLUMNS, format_rows

    if format == "json":
        print_json([entry.as_dict() for entry in entries])
    elif format == "csv":
        print_csv(COLUMNS, format_rows(entries))
    else:
        print_table(COLUMNS, format_rows(entries))
