"""Latency of queries and of `--help` as whole processes, relative to `import torch`.

    python benchmarks/query_latency.py --data DATA [--rounds 11] [--budget SECONDS]

The commands alternate with `python -c "import torch"`, with a warm file cache. Figures are medians.

Targets: a query with a photo against 3,068 photos takes at most 0.33 of `import torch`, `--help` less than 0.3.
"""

import statistics
import sys
import tempfile

from harness import AESEARCH, create_parser, measure_alternately, median_ratio, print_table, run_process


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--budget", type=float, help="seconds of training of the photo index")
    options = parser.parse_args()
    budget = () if options.budget is None else ("--budget", options.budget)
    clothing = options.data.resolve() / "image" / "clothing"
    photo = min((clothing / "test" / "hat").iterdir())
    with tempfile.TemporaryDirectory() as temporary:
        run_process([*AESEARCH, "index", clothing / "train", "--index", f"{temporary}/photos", *budget])
        run_process([*AESEARCH, "demo", "--folder", f"{temporary}/demo"])
        text_query = ("query", "--text", "a thread", "--index", f"{temporary}/demo/indexes/documentation")
        results = []
        for command, arguments, target in (
            ("query PHOTO", ("query", photo, "--index", f"{temporary}/photos"), 0.33),
            ("query --text", text_query, ""),
            ("--help", ("--help",), 0.3),
        ):
            ours, torch = measure_alternately(
                options.rounds,
                lambda arguments=arguments: run_process([*AESEARCH, *arguments]).seconds,  # type: ignore[misc]
                lambda: run_process([sys.executable, "-c", "import torch"]).seconds,
            )
            medians = statistics.median(ours), statistics.median(torch)
            results.append((command, *medians, median_ratio(ours, torch), target))
        print_table(("command", "median, s", "import torch, s", "ratio", "target"), results)


if __name__ == "__main__":
    main()
