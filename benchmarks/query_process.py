"""Asking and helping as whole processes, in turn with `import torch`: medians and ratios, warm file cache.

python benchmarks/query_process.py --data DATA

Bars: a photo asked of 3,068 in at most 0.35 of `import torch`; --help in under 0.3.
"""

import statistics
import sys
import tempfile

from measure import AESEARCH, arguments, in_turn, process, ratio, table


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    options = parser.parse_args()
    clothing = options.data.resolve() / "image" / "clothing"
    photo = min((clothing / "test" / "hat").iterdir())
    with tempfile.TemporaryDirectory() as place:
        process([*AESEARCH, "index", clothing / "train", "--index", f"{place}/photos"])
        process([*AESEARCH, "demo", "--folder", f"{place}/demo"])
        rows = []
        for what, words, bar in (
            ("query PHOTO", ("query", photo, "--index", f"{place}/photos"), 0.35),
            ("query --text", ("query", "--text", "a thread", "--index", f"{place}/demo/indexes/documentation"), ""),
            ("--help", ("--help",), 0.3),
        ):
            ours, torch = in_turn(
                options.rounds,
                lambda words=words: process([*AESEARCH, *words]).seconds,  # type: ignore[misc]
                lambda: process([sys.executable, "-c", "import torch"]).seconds,
            )
            rows.append((what, statistics.median(ours), statistics.median(torch), ratio(ours, torch), bar))
        table(("command", "seconds (median)", "import torch", "ratio", "bar"), rows)


if __name__ == "__main__":
    main()
