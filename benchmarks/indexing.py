"""The main job at default settings, as whole processes: seconds and peak memory.

python benchmarks/indexing.py --data DATA

Bars: 3,068 photos within 120 s under 1.5 GB; 11,314 text files within 180 s under 2 GB.
"""

import gzip
import json
import tempfile
from pathlib import Path

from measure import AESEARCH, arguments, process, table


def lay_out_newsgroups(data: Path, folder: Path) -> None:
    """One .txt file a message, in class folders, as a user has them."""
    for split in ("train", "test"):
        with gzip.open(data / "text" / "20news" / f"{split}.jsonl.gz", "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                path = folder / split / f"{row['id']}.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(row["text"], encoding="utf-8")


def main() -> None:
    data = arguments(__doc__).parse_args().data.resolve()
    with tempfile.TemporaryDirectory() as place:
        news = Path(place) / "news"
        lay_out_newsgroups(data, news)
        rows = []
        for what, path, bar in (
            ("clothing photos", data / "image" / "clothing" / "train", "120 s, 1,500 MB"),
            ("20news messages", news / "train", "180 s, 2,000 MB"),
        ):
            done = process([*AESEARCH, "index", path, "--json", "--index", f"{place}/indexes/{path.parent.name}"])
            report = json.loads(done.output)
            stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in report["seconds"].items())
            megabytes = done.peak_mib * 1.048576
            rows.append((what, report["items"], len(report["skipped"]), done.seconds, stages, f"{megabytes:.0f}", bar))
        table(("what", "items", "skipped", "seconds", "of these", "peak MB", "bar"), rows)


if __name__ == "__main__":
    main()
