"""Index a folder of photos, and find the photos most similar to one of them.

    python examples/search_photos.py [FOLDER PHOTO]

Without arguments, the example uses the handwritten digits of scikit-learn, written as PNG files.
"""

import sys
import tempfile
from pathlib import Path

from aesearch import Retriever
from aesearch.cli.demo import write_digit_images


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        if len(sys.argv) == 3:
            folder, photo = Path(sys.argv[1]), Path(sys.argv[2])
        else:
            digits = Path(temporary) / "digits"
            write_digit_images(digits)
            folder, photo = digits / "train", min((digits / "test" / "7").iterdir())

        index = Retriever.build(folder)
        index.save(Path(temporary) / "index")

        # Another program would start here. Loading and querying an index does not import torch.
        index = Retriever.load(Path(temporary) / "index")
        print(f"{len(index):,} photos, {index.store.bytes_per_item:.0f} bytes each")
        print(f"most similar to {photo.name}:")
        for hit in index.query(photo, k=5):
            print(f"{hit.rank}. {hit.id}  (distance {hit.distance:.3f})")


if __name__ == "__main__":
    main()
