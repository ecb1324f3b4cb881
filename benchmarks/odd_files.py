"""Odd files among good photos: each is indexed, or skipped by name with a reason.

python benchmarks/odd_files.py --data DATA
"""

import json
import shutil
import tempfile
from pathlib import Path

from measure import AESEARCH, arguments, process, table

from aesearch import Retriever

GOOD = 50


def main() -> None:
    data = arguments(__doc__).parse_args().data
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "photos"
        shutil.copytree(data / "image" / "odd-files", folder)
        for photo in sorted((data / "image" / "clothing" / "train").glob("*/*.jpg"))[:GOOD]:
            shutil.copy(photo, folder)
        done = process([*AESEARCH, "index", folder, "--json"], cwd=Path(place))
        report = json.loads(done.output)
        skipped = {skip["path"]: skip["reason"] for skip in report["skipped"]}
        indexed = {row.id for row in Retriever.load(Path(place) / report["index"]).ledger.all_rows()}
        files = {path.name for path in folder.iterdir()}
        assert indexed | skipped.keys() == files, files - indexed - skipped.keys()
        assert not indexed & skipped.keys()
        print(f"{len(files)} files: {len(indexed)} indexed, {len(skipped)} skipped, exit code 0, {done.seconds:.1f} s\n")
        table(("skipped", "reason"), sorted(skipped.items()))


if __name__ == "__main__":
    main()
