"""Peak memory of indexing ten times as many items.

python benchmarks/memory.py --data DATA [--count 20000] [--sample 2000]

Pictures (MNIST as PNG files) and texts (pieces of newsgroup messages), COUNT of them and a tenth, by whole processes: at
default settings, where the 60,000 items learned from are all of them; and learning from SAMPLE.  What is measured is the
largest of the processes of a run; `/ tenth` is beside the run over a tenth of the items.

Bar: 1.2 times the memory for ten times the items, where both learn from as many.
"""

import sys
import tempfile
from pathlib import Path

from measure import arguments, process, table
from unchanged import lay_out_pictures, lay_out_texts

BUILD = """
import sys
from aesearch import Retriever
path, index, coder, sample, budget = sys.argv[1:]
settings = {"budget": float(budget)} if coder == "neighbors" else {}
Retriever.build(path, coder=coder, sample=int(sample), **settings).save(index)
"""


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--sample", type=int, default=2_000)
    parser.add_argument("--budget", type=float, default=10, help="seconds of training; more of them need no more memory")
    options = parser.parse_args()
    data = options.data.resolve()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for what, lay_out, baseline in (("pictures", lay_out_pictures, "pca"), ("texts", lay_out_texts, "lsa")):
            for coder in (baseline, "neighbors"):
                for sample in (60_000, options.sample):
                    peaks = []
                    for count in (options.count // 10, options.count):
                        folder = Path(place) / f"{what}-{count}"
                        if not folder.exists():
                            lay_out(data, folder, count)
                        words = (folder, f"{place}/index", coder, sample, options.budget)
                        peaks.append(process([sys.executable, "-c", BUILD, *words]).peak_mib)
                    rows.append((what, coder, f"{sample:,}", *(f"{peak:.0f}" for peak in peaks), peaks[1] / peaks[0]))
                    print(*rows[-1], flush=True, file=sys.stderr)
    tenth, whole = f"MiB, {options.count // 10:,} items", f"MiB, {options.count:,} items"
    table(("items", "coder", "learns from", tenth, whole, "/ tenth"), rows)


if __name__ == "__main__":
    main()
