"""Index a folder of photos, ask with one of them, print what is most like it.

python examples/photos.py [FOLDER PHOTO]

Without a folder of your own, scikit-learn's handwritten digits are laid out as PNG files and asked.
"""

import sys
import tempfile
from pathlib import Path

from aesearch import Retriever
from aesearch.cli.demo import lay_out_digits


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        if len(sys.argv) == 3:
            folder, photo = Path(sys.argv[1]), Path(sys.argv[2])
        else:
            lay_out_digits(Path(place))
            folder, photo = Path(place) / "train", min((Path(place) / "test" / "7").iterdir())

        index = Retriever.build(folder)
        index.save(Path(place) / "index")

        asked = Retriever.load(Path(place) / "index")  # as another program would: without torch
        print(f"{len(asked):,} pictures, {asked.store.bytes_per_item:.0f} bytes each; most like {photo.name}:")
        for hit in asked.query(photo, k=5):
            print(f"{hit.rank}. {hit.id}  (distance {hit.distance:.3f})")


if __name__ == "__main__":
    main()
