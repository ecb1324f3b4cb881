"""Time and memory of `aesearch index` with default settings, as a whole process.

    python benchmarks/indexing.py --data DATA [--budget SECONDS]

Targets: 3,068 photos within 120 s and 1.5 GB; 11,314 text files within 180 s and 2 GB.
"""

import json
import tempfile
from pathlib import Path

from datasets import set_path, write_newsgroup_files
from harness import AESEARCH, create_parser, print_table, run_process

MB_PER_MIB = 1.048576
COLUMNS = ("collection", "items", "skipped", "total, s", "stages, s", "peak MB", "target")


def main() -> None:
    parser = create_parser(__doc__)
    parser.add_argument("--budget", type=float, help="seconds of training (default: that of aesearch)")
    options = parser.parse_args()
    budget = () if options.budget is None else ("--budget", options.budget)
    data = options.data.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        messages = Path(temporary) / "messages"
        write_newsgroup_files(data, messages)
        results = []
        for collection, folder, target in (
            ("clothing photos", set_path(data, "clothing", "database"), "120 s, 1,500 MB"),
            ("20 Newsgroups messages", messages, "180 s, 2,000 MB"),
        ):
            index = Path(temporary) / "indexes" / folder.name
            run = run_process([*AESEARCH, "index", folder, "--json", "--index", index, *budget])
            report = json.loads(run.output)
            stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report["seconds"].items())
            peak = f"{run.peak_mib * MB_PER_MIB:.0f}"
            results.append((collection, report["items"], len(report["skipped"]), run.seconds, stages, peak, target))
        print_table(COLUMNS, results)


if __name__ == "__main__":
    main()
