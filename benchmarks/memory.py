"""Peak memory of indexing, for ten times as many items.

    python benchmarks/memory.py --data DATA [--count 20000] [--training-sample 2000] [--budget 10]

Indexes COUNT images (MNIST as PNG files) and COUNT texts (passages of newsgroup messages), and a tenth of each, every
time in a new process: with the default training sample of 60,000 items, which includes all of them, and with a smaller
one. Prints the peak memory of the largest process of each run.

Target: at most 1.2 times the memory for ten times the items, if both runs train on equally many.
"""

import sys
import tempfile
from pathlib import Path

from datasets import write_digit_files, write_text_files
from harness import create_parser, print_table, run_process

DEFAULT_TRAINING_SAMPLE = 60_000

BUILD_SCRIPT = """
import sys
from aesearch import Retriever
path, index, coder, training_sample, budget = sys.argv[1:]
params = {"budget": float(budget)} if coder == "neighbors" else {}
Retriever.build(path, coder=coder, training_sample=int(training_sample), **params).save(index)
"""


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--training-sample", type=int, default=2_000)
    parser.add_argument("--budget", type=float, default=10, help="seconds of training, which do not affect the memory")
    options = parser.parse_args()
    data = options.data.resolve()
    counts = (options.count // 10, options.count)
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        for kind, write_files, baseline in (("images", write_digit_files, "pca"), ("texts", write_text_files, "lsa")):
            folders = [Path(temporary) / f"{kind}-{count}" for count in counts]
            for folder, count in zip(folders, counts, strict=True):
                write_files(data, folder, count)
            for coder in (baseline, "neighbors"):
                for sample in (DEFAULT_TRAINING_SAMPLE, options.training_sample):
                    params = (f"{temporary}/index", coder, sample, options.budget)
                    command = [sys.executable, "-c", BUILD_SCRIPT]
                    few, many = (run_process([*command, folder, *params]).peak_mib for folder in folders)
                    results.append((kind, coder, f"{sample:,}", f"{few:.0f}", f"{many:.0f}", many / few))
                    print(*results[-1], flush=True, file=sys.stderr)
    columns = (f"MiB, {count:,} items" for count in counts)
    print_table(("items", "coder", "training sample", *columns, "ratio"), results)


if __name__ == "__main__":
    main()
