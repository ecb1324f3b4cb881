"""Search an application's own records: items made in memory, kept current by adding and removing, saved and loaded.

python examples/documents.py
"""

import tempfile
from pathlib import Path
from pydoc_data.topics import topics

from aesearch import Item, Retriever


def main() -> None:
    records = [Item(id=f"topic/{name}", content=text) for name, text in topics.items()]
    # Of so few records LSA makes the better codes; for thousands leave `coder` out, and an autoencoder is trained.
    index = Retriever.build(records, coder="lsa", code_size=32)
    print(f"{len(index)} records at {index.store.bytes_per_item:.0f} bytes each")

    index.add([Item(id="memo/1", content="Generators yield values one at a time, and keep their state in between.")])
    index.remove(["topic/specialnames"])

    with tempfile.TemporaryDirectory() as folder:
        index.save(Path(folder) / "records")
        loaded = Retriever.load(Path(folder) / "records")
        for words in ("a generator that yields values", "catch an exception"):
            print(f"\n{words}:")
            for hit in loaded.query(words, k=3):
                print(f"  {hit.id} at {hit.distance:.2f}: {hit.excerpt}")


if __name__ == "__main__":
    main()
