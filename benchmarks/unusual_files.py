"""Unusual and broken files among good photos.

    python benchmarks/unusual_files.py --data DATA

The files are empty, truncated, CMYK, 16-bit, palette images, animations, decompression bombs, and files with a wrong
ending or a Unicode or hidden name.

Target: each file is either indexed, or skipped by name with a reason, and the exit code is 0.
"""

import json
import shutil
import tempfile
from pathlib import Path

from harness import AESEARCH, create_parser, print_table, run_process

from aesearch import Retriever

N_PHOTOS = 50


def main() -> None:
    data = create_parser(__doc__).parse_args().data
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        shutil.copytree(data / "image" / "odd-files", folder)
        for photo in sorted((data / "image" / "clothing" / "train").glob("*/*.jpg"))[:N_PHOTOS]:
            shutil.copy(photo, folder)
        run = run_process([*AESEARCH, "index", folder, "--json"], cwd=Path(temporary))
        report = json.loads(run.output)
        reasons = {skip["path"]: skip["reason"] for skip in report["skipped"]}
        indexed = {row.id for row in Retriever.load(Path(temporary) / report["index"]).ledger.all_rows()}
        files = {path.name for path in folder.iterdir()}
        assert indexed | reasons.keys() == files, f"neither indexed nor skipped: {files - indexed - reasons.keys()}"
        assert not indexed & reasons.keys(), f"indexed and skipped: {indexed & reasons.keys()}"
    print(f"{len(files)} files: {len(indexed)} indexed, {len(reasons)} skipped, exit code 0, {run.seconds:.1f} s\n")
    print_table(("skipped", "reason"), sorted(reasons.items()))


if __name__ == "__main__":
    main()
